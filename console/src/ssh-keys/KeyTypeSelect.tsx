import { Select } from '@mantine/core'
import type { schemas } from '../api/types'
import { keyTypes } from './keyTypes'

type Props = {
  value: schemas['KeyType']
  onChange: (type: schemas['KeyType']) => void
  error?: string | undefined
}

/** Which type of key to generate, with what speaks for each. */
export function KeyTypeSelect({ value, onChange, error }: Props) {
  return (
    <Select
      label="Type"
      description={keyTypes.find((type) => type.value === value)?.help}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      data={keyTypes.map(({ value, label }) => ({ value, label }))}
      value={value}
      onChange={(type) => {
        const known = keyTypes.find(({ value }) => value === type)
        if (known) onChange(known.value)
      }}
      allowDeselect={false}
      error={error}
    />
  )
}
