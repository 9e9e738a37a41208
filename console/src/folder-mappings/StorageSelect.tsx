import { Select } from '@mantine/core'
import { useStorages } from '../api/lists'

type Props = {
  value: string | null
  onChange: (id: string | null) => void
  error?: string | undefined
}

/** Where pulled files go. */
export function StorageSelect({ value, onChange, error }: Props) {
  const storages = useStorages()
  const usual = storages.data?.find((storage) => storage.name === 'default')?.id
  const chosen = storages.data?.find((storage) => storage.id === (value ?? usual))
  return (
    <Select
      label="Destination"
      description={chosen?.url ?? 'Where the files go. Destinations are made by admins on their own page.'}
      data={(storages.data ?? []).map((storage) => ({ value: storage.id, label: storage.name }))}
      value={value ?? usual ?? null}
      onChange={onChange}
      error={error ?? storages.error?.message}
      searchable
      allowDeselect={false}
      nothingFoundMessage="There is no destination of that name."
    />
  )
}
