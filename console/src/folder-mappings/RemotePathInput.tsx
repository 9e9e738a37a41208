import { Button, Group, TextInput, type TextInputProps } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { FolderSearch } from 'lucide-react'
import { Browse } from './Browse'

type Props = Omit<TextInputProps, 'value' | 'onChange' | 'start'> & {
  /** The connection whose server has the path; without one there is nothing to look around on. */
  connectionId: string | undefined
  pick: 'folder' | 'file'
  value?: string
  onChange: (path: string) => void
  /** Where to look around first, where that isn't the path itself. */
  start?: string
}

/** A path on a connection's server: typed, or found there. */
export function RemotePathInput({ connectionId, pick, value = '', onChange, start = value, ...rest }: Props) {
  const [opened, { open, close }] = useDisclosure()
  return (
    <>
      <Group gap="xs" align="flex-end" wrap="nowrap">
        <TextInput
          {...rest}
          flex={1}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          // The button stays beside the input where an error stands below it.
          inputWrapperOrder={['label', 'description', 'error', 'input']}
        />
        {connectionId && (
          <Button variant="default" leftSection={<FolderSearch size={16} aria-hidden />} onClick={open}>
            Browse
          </Button>
        )}
      </Group>
      {connectionId && (
        <Browse
          connectionId={connectionId}
          pick={pick}
          start={start}
          opened={opened}
          onClose={close}
          onPick={(path) => {
            onChange(path)
            close()
          }}
        />
      )}
    </>
  )
}
