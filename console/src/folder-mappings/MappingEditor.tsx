import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { Search } from 'lucide-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { ChangedMeanwhile } from '../ui/ChangedMeanwhile'
import { Held } from '../ui/Held'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { byUpdate } from '../ui/useBegun'
import { useLeaveGuard } from '../ui/useLeaveGuard'
import { DryRun } from './DryRun'
import { MappingFields } from './MappingFields'
import { groups, MoreFields } from './MoreFields'
import { changed, changes, patch } from './useMappingActions'
import { showErrors, useMappingForm } from './useMappingForm'
import { inputOf, type MappingValues } from './values'

type Props = {
  connection: schemas['Connection']
  /** The one to change; without it one is made. */
  mapping?: schemas['FolderMapping']
  /** Begins anew with the one that is saved by now. */
  onAnew?: () => void
}

/** Makes a folder mapping, or changes one. What it would pull can be looked at before anything is saved. */
export function MappingEditor({ connection, mapping, onAnew }: Props) {
  const navigate = useNavigate()
  const form = useMappingForm(mapping)
  const [open, setOpen] = useState<string[]>([])
  // The values that were looked at: of others the outcome says nothing.
  const [looked, setLooked] = useState<MappingValues>()
  const release = useLeaveGuard(form.isDirty(), 'mapping', 'do')
  const enabled = mapping?.enabled ?? true
  // As it was when the form was opened.
  const [before] = useState(mapping)

  const look = useAction({
    run: (values: MappingValues) => {
      const body = inputOf(values, enabled)
      const params = { path: { id: mapping?.id ?? connection.id } }
      return mapping
        ? read(api.POST('/api/folder-mappings/{id}/dry-run', { params, body: changed(body) }))
        : read(api.POST('/api/connections/{id}/folder-mappings/dry-run', { params, body }))
    },
    changes: [],
    onDone: (_, values) => setLooked(values),
    quiet: true,
  })
  const save = useAction({
    run: (values: MappingValues) => {
      const body = inputOf(values, enabled)
      return mapping
        ? patch(mapping.id, body)
        : read(api.POST('/api/connections/{id}/folder-mappings', { params: { path: { id: connection.id } }, body }))
    },
    changes,
    done: ({ name }) =>
      enabled ? `“${name}” is saved, and pulls by itself.` : `“${name}” is saved. It is switched off.`,
    onDone: ({ id }) => {
      release()
      void navigate(`/connections/${connection.id}/folders?mapping=${id}`)
    },
    quiet: true,
  })

  const showFirst = (wrong: string[]) => {
    const closed = groups.filter((group) => group.fields.some((field) => wrong.includes(field))).map(({ name }) => name)
    setOpen((now) => [...new Set([...now, ...closed])])
    // After the group has opened: what isn't shown takes no focus.
    const first = wrong[0] === 'interval_sec' ? 'every' : wrong[0]
    if (first) setTimeout(() => form.getInputNode(first)?.focus(), 250)
  }

  /** Asks the server with what is in the form; what it finds wrong with a field is shown there. */
  const ask = (action: { mutate: typeof save.mutate } | { mutate: typeof look.mutate }) =>
    form.onSubmit(
      (values) => {
        action.mutate(values, {
          onError: (error) => showErrors(form, error) && showFirst(error.fields.map(({ field }) => field)),
        })
      },
      (errors) => showFirst(Object.keys(errors)),
    )

  const back = () => void navigate(`/connections/${connection.id}/folders${mapping ? `?mapping=${mapping.id}` : ''}`)
  const busy = save.isPending || look.isPending
  const isNewer = mapping && before && !busy && !save.isSuccess && byUpdate(mapping) > byUpdate(before)
  const refusedLook = look.error && look.error.fields.length === 0
  const refused = save.error && save.error.fields.length === 0

  return (
    <form noValidate onSubmit={ask(save)}>
      <Stack gap="md">
        <Held busy={save.isPending}>
          <Stack gap="md">
            <MappingFields form={form} connection={connection} />
            <MoreFields form={form} connection={connection} open={open} onOpen={setOpen} />
          </Stack>
        </Held>
        {(look.data || refusedLook || look.isPending) && (
          <Section title="What it would pull">
            {look.isPending && <Text size="sm">Looking, for half a minute at most …</Text>}
            {refusedLook && !look.isPending && <Problem error={look.error} />}
            {look.data && !look.isPending && JSON.stringify(looked) !== JSON.stringify(form.values) && (
              <Alert color="yellow" mb="sm" title="You have changed the form since">
                This is what it would have pulled before that. Look again.
              </Alert>
            )}
            {look.data && !look.isPending && <DryRun run={look.data} />}
          </Section>
        )}
        {mapping?.warnings.map((warning) => (
          <Alert key={warning} color="yellow">
            {warning}
          </Alert>
        ))}
        {refused && <Problem error={save.error} />}
        {isNewer && onAnew && <ChangedMeanwhile onDrop={onAnew} />}
        <Group gap="xs" justify="flex-end">
          {!enabled && (
            <Text size="sm" flex={1} miw={220}>
              It is switched off, and stays so.
            </Text>
          )}
          <Button variant="default" onClick={back}>
            Cancel
          </Button>
          <Button
            variant="default"
            leftSection={<Search size={16} aria-hidden />}
            loading={look.isPending}
            disabled={save.isPending}
            onClick={() => ask(look)()}
          >
            Look what it would pull
          </Button>
          <Button type="submit" loading={save.isPending} disabled={look.isPending}>
            {mapping ? 'Save' : 'Save and start pulling'}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
