import { Accordion, Code, NumberInput, Radio, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import type { schemas } from '../api/types'
import { counted } from '../ui/format'
import { RemotePathInput } from './RemotePathInput'
import type { MappingForm } from './useMappingForm'
import type { MappingValues } from './values'

/** The groups of what need not be said, and the fields that stand in each. */
export const groups: { name: string; fields: (keyof MappingValues)[] }[] = [
  { name: 'ready', fields: ['min_age_sec', 'require_stable', 'marker_suffix'] },
  { name: 'ignore', fields: ['ignore'] },
  { name: 'after', fields: ['after_pull', 'move_to'] },
  { name: 'identity', fields: ['identity'] },
]

type Props = {
  form: MappingForm
  connection: schemas['Connection']
  /** The groups that stand open. */
  open: string[]
  onOpen: (groups: string[]) => void
}

/** What need not be said of a folder mapping, in groups that say what holds while they are closed. */
export function MoreFields({ form, connection, open, onOpen }: Props) {
  const { values } = form
  return (
    <Accordion multiple value={open} onChange={onOpen} variant="contained" radius="md" order={2}>
      <Group name="ready" title="When a file is ready" now={readyWords(values)}>
        <NumberInput
          label="Minimum age"
          description="A file is left alone until it is this old, so that it is whole."
          suffix=" s"
          min={0}
          allowDecimal={false}
          allowNegative={false}
          {...form.getInputProps('min_age_sec')}
        />
        <Switch
          label="The same on two looks"
          description="Its size and time must be the same on two looks. For senders that write slowly."
          {...form.getInputProps('require_stable', { type: 'checkbox' })}
        />
        <TextInput
          label="Marker"
          description={
            <>
              Best where the sender can do it: with <Code>.done</Code>, <Code>x.csv</Code> is ready when{' '}
              <Code>x.csv.done</Code> is there.
            </>
          }
          placeholder="none"
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps('marker_suffix')}
        />
      </Group>
      <Group name="ignore" title="What is left out" now={counted(values.ignore.length, 'pattern')}>
        <TagsInput
          label="Patterns"
          description="Never pulled: by default the names under which programs write what isn’t whole yet."
          {...form.getInputProps('ignore')}
        />
      </Group>
      <Group name="after" title="After the pull" now={afterWords(values)}>
        <Radio.Group label="On the server, the file" {...form.getInputProps('after_pull')}>
          <Stack gap="xs" mt={4}>
            <Radio value="keep" label="stays where it is" description="It is known by then, and not pulled again." />
            <Radio value="move" label="is moved to another folder" />
            <Radio
              value="delete"
              label="is deleted"
              description="Only when it lies at the destination, whole and recorded. What is deleted there can’t be brought back."
            />
          </Stack>
        </Radio.Group>
        {values.after_pull === 'move' && (
          <RemotePathInput
            label="Moved to"
            description="Relative to the folder, or from the top with a leading slash. It is made where it is missing."
            withAsterisk
            connectionId={connection.id}
            pick="folder"
            start={values.move_to.startsWith('/') ? values.move_to : values.remote_path}
            {...form.getInputProps('move_to')}
          />
        )}
      </Group>
      <Group name="identity" title="What makes a file a new one" now={identityWords(values)}>
        <Radio.Group label="A file is pulled again" {...form.getInputProps('identity')}>
          <Stack gap="xs" mt={4}>
            <Radio
              value="path_and_version"
              label="when its size or time has changed"
              description="The new version comes beside the old one and never over it."
            />
            <Radio value="path" label="never" description="What has once come under a path is known for good." />
          </Stack>
        </Radio.Group>
      </Group>
    </Accordion>
  )
}

type GroupProps = { name: string; title: string; now: string; children: ReactNode }

function Group({ name, title, now, children }: GroupProps) {
  return (
    <Accordion.Item value={name}>
      <Accordion.Control>
        <Text fw={500}>{title}</Text>
        <Text size="sm">{now}</Text>
      </Accordion.Control>
      <Accordion.Panel>
        <Stack gap="sm">{children}</Stack>
      </Accordion.Panel>
    </Accordion.Item>
  )
}

export function readyWords(values: Pick<MappingValues, 'min_age_sec' | 'require_stable' | 'marker_suffix'>): string {
  const parts = [`${values.min_age_sec || 0} s old`]
  if (values.require_stable) parts.push('the same on two looks')
  if (values.marker_suffix) parts.push(`with ${values.marker_suffix} beside it`)
  return parts.join(', ')
}

export function afterWords({ after_pull, move_to }: Pick<MappingValues, 'after_pull' | 'move_to'>): string {
  if (after_pull === 'delete') return 'Deleted on the server'
  return after_pull === 'move' ? `Moved to ${move_to || '…'}` : 'Kept on the server'
}

export const identityWords = ({ identity }: Pick<MappingValues, 'identity'>) =>
  identity === 'path' ? 'Each path once' : 'Each version once'
