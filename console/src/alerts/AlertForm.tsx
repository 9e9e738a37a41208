import { Button, Group, Stack, Switch, TextInput } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { useLeaveGuard } from '../ui/useLeaveGuard'
import { ChannelFields } from './ChannelFields'
import { type Draft, draftOf, inputOf } from './draft'
import { EventFields } from './EventFields'
import { ScopeFields } from './ScopeFields'
import { TimingFields } from './TimingFields'

/** The fields at which an error is shown; others are told below. */
const SHOWN =
  /^(name|on|jobs|connections|mappings|late_after_sec|repeat_after_sec|channel\.(url|to|secret)|expect(\.(pattern|by|timezone|connection_id|job_id))?|quiet_hours\.(from|to|timezone))$/

type Props = {
  /** The one to change; none for a new one. */
  alert?: schemas['Alert']
  onSaved: (alert: schemas['Alert']) => void
}

/** Makes or changes an alert: of what it tells, about which, whom and when. */
export function AlertForm({ alert, onSaved }: Props) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(alert))
  const [first] = useState(draft)
  const form = useRef<HTMLFormElement>(null)
  const changed = JSON.stringify(draft) !== JSON.stringify(first)
  const release = useLeaveGuard(changed)
  const save = useAction({
    run: () => {
      const body = inputOf(draft)
      return alert
        ? read(api.PUT('/api/alerts/{id}', { params: { path: { id: alert.id } }, body }))
        : read(api.POST('/api/alerts', { body }))
    },
    changes: [['alerts']],
    done: 'Saved',
    quiet: true,
    onDone: (saved) => {
      release()
      onSaved(saved)
    },
  })
  const errors = save.error?.formErrors() ?? {}
  const isElsewhere =
    save.error && (save.error.fields.length === 0 || save.error.fields.some(({ field }) => !SHOWN.test(field)))

  useEffect(() => {
    if (save.error) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [save.error])

  const set = (change: Partial<Draft>) => {
    // While it is being saved it is not to be saved a second time.
    if (!save.isPending) save.reset()
    setDraft((old) => ({ ...old, ...change }))
  }
  const part = { draft, set, errors }
  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <Stack gap="md" maw={760}>
        <Section title="Alert">
          <Stack gap="sm">
            <TextInput
              label="Name"
              withAsterisk
              value={draft.name}
              onChange={(event) => set({ name: event.currentTarget.value })}
              error={errors.name}
            />
            <Switch
              label="Enabled"
              description="While it is off it tells nobody anything, and what waits to be told is dropped."
              checked={draft.enabled}
              onChange={(event) => set({ enabled: event.currentTarget.checked })}
            />
          </Stack>
        </Section>
        <Section title="It tells when">
          <EventFields {...part} />
        </Section>
        <Section title="About">
          <ScopeFields {...part} />
        </Section>
        <Section title="It tells">
          <ChannelFields {...part} saved={alert?.channel} />
        </Section>
        <Section title="How often">
          <TimingFields {...part} />
        </Section>
        {save.error && isElsewhere && <Problem error={save.error} />}
        <Group>
          <Button type="submit" loading={save.isPending} disabled={Boolean(alert) && !changed}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
