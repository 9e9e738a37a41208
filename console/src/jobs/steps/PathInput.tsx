import { ActionIcon, Group, Text, TextInput, Tooltip } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { FolderSearch } from 'lucide-react'
import { useRef } from 'react'
import { Browse } from '../../folder-mappings/Browse'
import { Help } from '../../ui/Help'
import { ReferenceMenu } from './ReferenceMenu'
import { references } from './references'
import type { SettingProps } from './StepSetting'

/** A path, a pattern or a name: typed, found on the server, or taken from an earlier step. */
export function PathInput({ setting, label, value, onChange, error, step, type, before, types }: SettingProps) {
  const [opened, { open, close }] = useDisclosure()
  const input = useRef<HTMLInputElement>(null)
  const text = typeof value === 'string' ? value : ''
  const connection = step.config.connection_id
  const browsable = setting.type === 'remote_path' && typeof connection === 'string' && connection !== ''
  const upload = step.step_type.endsWith('.upload')
  const folder = upload || /\.(mkdir|rmdir|list)$/.test(step.step_type) || setting.name === 'move_to'
  const change = (next: string) => onChange(next === '' ? undefined : next)

  const insert = (part: string) => {
    const at = input.current?.selectionStart ?? text.length
    const to = input.current?.selectionEnd ?? at
    change(text.slice(0, at) + part + text.slice(to))
  }

  return (
    <>
      <TextInput
        ref={input}
        label={label}
        description={<Help text={setting.help} />}
        withAsterisk={setting.required}
        value={text}
        placeholder={setting.default == null ? undefined : String(setting.default)}
        onChange={(event) => change(event.currentTarget.value)}
        error={error}
        autoComplete="off"
        spellCheck={false}
        rightSectionWidth={browsable ? 68 : 36}
        rightSection={
          <Group gap={2} wrap="nowrap">
            {browsable && (
              <Tooltip label="Look on the server">
                <ActionIcon variant="subtle" color="gray" onClick={open} aria-label="Browse the server">
                  <FolderSearch size={16} />
                </ActionIcon>
              </Tooltip>
            )}
            <ReferenceMenu
              setting={setting}
              takesList={type.lists?.includes(setting.name) ?? false}
              before={before}
              types={types}
              onReplace={change}
              onInsert={insert}
            />
          </Group>
        }
      />
      <Taken value={text} before={before.length} />
      {browsable && (
        <Browse
          connectionId={connection}
          pick={folder ? 'folder' : 'file'}
          start={start(text)}
          opened={opened}
          onClose={close}
          onPick={(path) => {
            // With the slash it is the folder in which files keep their names.
            change(folder && (upload || setting.name === 'move_to') && !path.endsWith('/') ? `${path}/` : path)
            close()
          }}
        />
      )}
    </>
  )
}

/** Where to begin to look: above the first part that is a pattern or is filled in later. */
function start(text: string): string | undefined {
  if (text.startsWith('context:')) return undefined
  const [fixed = ''] = text.split(/[*?[{]/)
  const folder = fixed === text ? fixed : fixed.slice(0, fixed.lastIndexOf('/') + 1)
  return folder.replace(/(.)\/$/, '$1') || undefined
}

/** Says where a step takes something that isn't there for it. */
function Taken({ value, before }: { value: string; before: number }) {
  const gone = value.includes('context:?') || references(value).some(({ step }) => step < 1 || step > before)
  if (!gone) return null
  return (
    <Text size="xs" c="red" mt={-8}>
      This takes something from a step that is gone or comes later.
    </Text>
  )
}
