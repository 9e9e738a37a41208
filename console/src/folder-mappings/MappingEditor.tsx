import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { Search } from 'lucide-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { ChangedMeanwhile } from '../ui/ChangedMeanwhile'
import { notify } from '../ui/notify'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { byUpdate } from '../ui/useBegun'
import { useLeaveGuard } from '../ui/useLeaveGuard'
import { DryRun } from './DryRun'
import { MappingFields } from './MappingFields'
import { groups, MoreFields } from './MoreFields'
import { changes, patch, useMappingActions } from './useMappingActions'
import { showErrors, useMappingForm } from './useMappingForm'
import { inputOf, type MappingValues } from './values'

type Props = {
  connection: schemas['Connection']
  /** The one to change; without it one is made. */
  mapping?: schemas['FolderMapping']
  /** Begins anew with the one that is saved by now. */
  onAnew?: () => void
}

/**
 * Makes a folder mapping, or changes one. What it would pull can be looked at first: for that it is saved, but switched off,
 * so that nothing is pulled before somebody has seen it.
 */
export function MappingEditor({ connection, mapping, onAnew }: Props) {
  const navigate = useNavigate()
  const form = useMappingForm(mapping)
  const [open, setOpen] = useState<string[]>([])
  const [saved, setSaved] = useState(mapping)
  // The values that were looked at: of others the outcome says nothing.
  const [looked, setLooked] = useState<MappingValues>()
  useLeaveGuard(form.isDirty(), 'mapping', 'do')
  const { look } = useMappingActions()
  // As it was when the form was opened: looking first switches it off.
  const [before] = useState(mapping)
  const made = saved && !before
  const staysOff = before && !before.enabled

  const save = useAction({
    run: ({ values, enabled }: { values: MappingValues; enabled: boolean }) => {
      const body = inputOf(values, enabled)
      return saved
        ? patch(saved.id, body)
        : read(api.POST('/api/connections/{id}/folder-mappings', { params: { path: { id: connection.id } }, body }))
    },
    changes,
    onDone: (result, { values }) => {
      setSaved(result)
      // What was typed meanwhile isn't saved.
      form.resetDirty(values)
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

  const submit = (enabled: boolean, then: (result: schemas['FolderMapping'], values: MappingValues) => void) =>
    form.onSubmit(
      (values) =>
        save.mutate(
          { values, enabled },
          {
            onSuccess: (result) => then(result, values),
            onError: (error) => showErrors(form, error) && showFirst(error.fields.map(({ field }) => field)),
          },
        ),
      (errors) => showFirst(Object.keys(errors)),
    )()

  const show = (id: string) => void navigate(`/connections/${connection.id}/folders?mapping=${id}`)
  const back = () => void navigate(`/connections/${connection.id}/folders${saved ? `?mapping=${saved.id}` : ''}`)
  const start = () =>
    submit(true, (result) => {
      notify.done(`“${result.name}” is saved, and pulls by itself.`)
      show(result.id)
    })
  const keep = () =>
    submit(false, (result) => {
      notify.done(`“${result.name}” is saved. It is switched off.`)
      show(result.id)
    })
  const busy = save.isPending || look.isPending
  const isNewer = mapping && saved && !save.isPending && byUpdate(mapping) > byUpdate(saved)
  const known = save.error && save.error.fields.length === 0

  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        if (staysOff) keep()
        else start()
      }}
    >
      <Stack gap="md">
        <MappingFields form={form} connection={connection} />
        <MoreFields form={form} connection={connection} open={open} onOpen={setOpen} />
        {(look.data || look.error || look.isPending) && (
          <Section title="What it would pull">
            {look.error && <Problem error={look.error} />}
            {look.isPending && <Text size="sm">Looking, for half a minute at most …</Text>}
            {look.data && !look.isPending && JSON.stringify(looked) !== JSON.stringify(form.values) && (
              <Alert color="yellow" mb="sm" title="You have changed the form since">
                This is what it would have pulled before that. Look again.
              </Alert>
            )}
            {look.data && !look.isPending && <DryRun run={look.data} />}
          </Section>
        )}
        {saved?.warnings.map((warning) => (
          <Alert key={warning} color="yellow">
            {warning}
          </Alert>
        ))}
        {known && <Problem error={save.error} />}
        {isNewer && onAnew && <ChangedMeanwhile onDrop={onAnew} />}
        <Group gap="xs" justify="flex-end">
          {saved && !saved.enabled && !staysOff && (
            <Text size="sm" flex={1} miw={220}>
              Saved, and switched off: nothing is pulled until you start it.
            </Text>
          )}
          <Button variant="default" onClick={back}>
            {made ? 'Close' : 'Cancel'}
          </Button>
          <Button
            variant="default"
            leftSection={<Search size={16} aria-hidden />}
            loading={busy}
            onClick={() =>
              submit(false, (result, values) => {
                setLooked(values)
                look.mutate(result.id)
              })
            }
          >
            {saved?.enabled ? 'Switch off and look first' : 'Look what it would pull'}
          </Button>
          <Button type="submit" loading={busy}>
            {staysOff || saved?.enabled ? 'Save' : 'Save and start pulling'}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
