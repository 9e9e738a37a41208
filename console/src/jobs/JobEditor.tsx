import { Button, Group, Paper, SegmentedControl, Stack, Text } from '@mantine/core'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import type { ProblemError } from '../api/problem'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { useFilters } from '../ui/filters'
import { Held } from '../ui/Held'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { useLeaveGuard } from '../ui/useLeaveGuard'
import type { Draft } from './draft'
import { JobForm } from './JobForm'
import type { Wrong } from './text/parse'

const JobText = lazy(() => import('./text/JobText'))

type Props = {
  /** What is edited. Another one is begun with by another `key`. */
  initial: Draft
  /** On the button. */
  verb: string
  save: (draft: Draft) => Promise<schemas['Job']>
  onSaved: (job: schemas['Job']) => void
  /** True where it can be saved as it is, without a change. */
  fresh?: boolean
}

/** Edits a job: by a form, as JSON or as YAML, each of which shows the same job at once. */
export function JobEditor({ initial, verb, save, onSaved, fresh }: Props) {
  const { values, set } = useFilters('view')
  const view = values.view === 'json' || values.view === 'yaml' ? values.view : 'form'
  const [draft, setDraft] = useState(initial)
  const [wrong, setWrong] = useState<Wrong>()
  const valid = wrong === undefined
  const [thrown, setThrown] = useState(0)
  const [dropped, setDropped] = useState<Draft>()
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [refused, setRefused] = useState(0)
  const form = useRef<HTMLFormElement>(null)
  const changed = JSON.stringify(draft) !== JSON.stringify(initial) || !valid
  const leave = useLeaveGuard(changed)

  const saving = useAction({
    run: save,
    changes: [['jobs']],
    done: (job) => `Saved “${job.name}”, version ${job.version}`,
    onDone: (job) => {
      leave()
      onSaved(job)
    },
    quiet: true,
  })

  // A text says what is wrong at its lines; and what was corrected is not said any more.
  const refusal = saving.error
  const unsaid =
    refusal && (refusal.fields.length === 0 || (view === 'form' && Object.keys(errors).length > 0)) && refusal

  const submit = () =>
    saving.mutate(draft, {
      onError: (problem: ProblemError) => {
        setErrors(problem.formErrors())
        setRefused(refused + 1)
      },
      onSuccess: () => setErrors({}),
    })

  // Once it is drawn what is wrong, go there.
  useEffect(() => {
    if (refused === 0) return
    // A text, which is never wrapped, goes to the line by itself.
    const first = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]:not([wrap="off"])')
    first?.focus()
    first?.scrollIntoView({ block: 'center' })
  }, [refused])

  const change = (next: Draft, field: string) => {
    setDraft(next)
    const left = Object.entries(errors).filter(([name]) => !concerns(name, field))
    if (left.length < Object.keys(errors).length) setErrors(Object.fromEntries(left))
  }

  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        // Forms in dialogs are within this one for React, though not on the page.
        if (event.target === event.currentTarget && valid && !saving.isPending) submit()
      }}
    >
      <Stack gap="md">
        <Group justify="space-between">
          <SegmentedControl
            size="xs"
            aria-label="View"
            data={[
              { value: 'form', label: 'Form' },
              { value: 'json', label: 'JSON' },
              { value: 'yaml', label: 'YAML' },
            ]}
            value={view}
            // A text that is no job can't be shown otherwise.
            disabled={!valid || saving.isPending}
            onChange={(next) => set({ view: next === 'form' ? null : next })}
          />
        </Group>
        <Held busy={saving.isPending}>
          {view === 'form' ? (
            <JobForm draft={draft} onChange={change} errors={errors} />
          ) : (
            <Suspense fallback={<Loading />}>
              <JobText
                key={`${view} ${thrown}`}
                language={view}
                draft={draft}
                onChange={(next) => change(next, '')}
                onWrong={setWrong}
                errors={errors}
              />
            </Suspense>
          )}
        </Held>
        {unsaid && <Problem error={unsaid} />}
        <Paper withBorder p="sm" radius="md" pos={changed ? 'sticky' : undefined} bottom={8} style={{ zIndex: 2 }}>
          <Group justify="flex-end" gap="xs">
            {wrong && (
              <Text size="sm" c="red" role="status" flex={1} miw={200} lineClamp={2}>
                Line {wrong.line}: {wrong.message}
              </Text>
            )}
            {dropped && !changed && (
              <Button
                variant="subtle"
                onClick={() => {
                  setDraft(dropped)
                  setDropped(undefined)
                }}
              >
                Undo: bring my changes back
              </Button>
            )}
            <Button
              variant="default"
              disabled={!changed || saving.isPending}
              onClick={() => {
                setDropped(draft)
                setDraft(initial)
                setErrors({})
                setWrong(undefined)
                setThrown(thrown + 1)
                saving.reset()
              }}
            >
              Discard changes
            </Button>
            <Button type="submit" loading={saving.isPending} disabled={!valid || !(changed || fresh)}>
              {verb}
            </Button>
          </Group>
        </Paper>
      </Stack>
    </form>
  )
}

/** Is an error about what was changed? `''`: anything may have been. */
function concerns(error: string, field: string): boolean {
  return field === '' || error === field || error.startsWith(`${field}.`) || error.startsWith(`${field}[`)
}
