import { Badge, Box, Button, Group, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Confirm } from '../ui/Confirm'
import { Problem } from '../ui/Problem'
import { SettingInput } from '../ui/SettingInput'
import { useLeaveGuard } from '../ui/useLeaveGuard'
import { labelOf } from './names'
import { isUnsafe, type Risk, riskOf } from './risks'

type Setting = schemas['Setting']
type Props = { setting: Setting; all: Setting[] }

/** One setting, which is saved by itself. What is risky about that is asked about first. */
export function SettingForm({ setting, all }: Props) {
  const { key, default: fallback } = setting
  const label = labelOf(key)
  // What was typed, until it is saved: what the server says meanwhile doesn't take it away.
  const [draft, setDraft] = useState<{ value: unknown }>()
  const [risk, setRisk] = useState<Risk>()
  const client = useQueryClient()
  const value = draft ? draft.value : (setting.value ?? undefined)
  const changed = draft !== undefined && (draft.value ?? fallback) !== (setting.value ?? fallback)
  useLeaveGuard(changed)

  const save = useAction({
    run: (next: unknown) =>
      read(api.PUT('/api/settings/{key}', { params: { path: { key } }, body: { value: next ?? null } })),
    changes: [['settings'], ['overview']],
    done: `${label}: saved.`,
    onDone: (saved) => {
      // Known at once, so that the form doesn't go back to what was there before.
      client.setQueryData<Setting[]>(['settings'], (all) => all?.map((one) => (one.key === key ? saved : one)))
      // What was sent may be a secret.
      save.reset()
      setDraft(undefined)
      setRisk(undefined)
    },
    quiet: true,
  })
  const ask = (next: unknown) => {
    const found = riskOf({ key, from: setting.value, to: next, default: fallback }, all)
    if (found) setRisk(found)
    else save.mutate(next)
  }
  const drop = () => {
    setDraft(undefined)
    save.reset()
  }
  const wrong = save.error?.fields.find(({ field }) => field === 'value')?.message

  return (
    <>
      {/* The question is beside the form and not in it: its answer would be taken for the form's. */}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (changed) ask(value)
        }}
      >
        <Stack gap="xs" maw={640}>
          {isUnsafe(key, setting.value) && (
            <Badge color="red" variant="light" leftSection={<TriangleAlert size={12} aria-hidden />}>
              Less safe than it could be
            </Badge>
          )}
          <SettingInput
            setting={{
              name: key,
              kind: setting.secret ? 'secret' : setting.type,
              default: fallback,
              choices: setting.choices,
              min: setting.min,
              max: setting.max,
              help: setting.help,
            }}
            label={label}
            value={value}
            onChange={(next) => setDraft({ value: next })}
            error={wrong}
          />
          {setting.secret && setting.has_value && !changed && (
            <Group gap="xs">
              <Text size="sm">A value is set. Type another one to replace it.</Text>
              <Button variant="subtle" color="red" size="compact-sm" onClick={() => setRisk(loss)}>
                Take it away…
              </Button>
            </Group>
          )}
          {save.error && !wrong && <Problem error={save.error} />}
          {changed && (
            <Group gap="xs">
              <Button type="submit" size="xs" loading={save.isPending} aria-label={`Save ${label}`}>
                Save
              </Button>
              <Button size="xs" variant="default" onClick={drop} aria-label={`Discard the change of ${label}`}>
                Discard
              </Button>
            </Group>
          )}
          {!changed && !setting.secret && fallback !== null && setting.value !== fallback && (
            <Box>
              <Button
                variant="subtle"
                size="compact-sm"
                onClick={() => ask(null)}
                aria-label={`${label}: use the default`}
              >
                Use the default: {wordsOf(fallback)}
              </Button>
            </Box>
          )}
        </Stack>
      </form>
      <Confirm
        opened={risk !== undefined}
        onClose={() => setRisk(undefined)}
        title={risk?.title ?? ''}
        action="Change the setting"
        typed={risk?.final ? key : undefined}
        busy={save.isPending}
        onConfirm={() => save.mutate(draft ? value : null)}
      >
        <Stack gap="xs">
          <span>
            <b>{label}</b>
          </span>
          <span>{risk?.text}</span>
          {save.error && <Problem error={save.error} />}
        </Stack>
      </Confirm>
    </>
  )
}

const loss: Risk = {
  title: 'Take the value away',
  text: 'Courier forgets it, and nothing brings it back: whoever knows it has to type it again.',
}

/** A value in words. */
export function wordsOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (value === null || value === undefined || value === '') return 'not set'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
