import { Button, Group, Stack, Text } from '@mantine/core'
import { useRef, useState } from 'react'
import { Empty } from '../../ui/Empty'
import { useKeys } from '../../ui/useKeys'
import type { Step } from '../draft'
import { AddStep } from './AddStep'
import { insertStep, moveStep, removeStep } from './references'
import { StepCard } from './StepCard'
import { type StepType, stepTitle } from './stepTypes'

type Props = {
  steps: Step[]
  types: StepType[]
  /** `field` is what was changed (`steps[1].config.remote_path`); nothing where steps have got other numbers. */
  onChange: (steps: Step[], field?: string) => void
  errors: Record<string, string>
}

/** The steps of a job, in their order. */
export function StepsEditor({ steps, types, onChange, errors }: Props) {
  const rows = useKeys(steps.length)
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set())
  const [removed, setRemoved] = useState<{ title: string; at: number; before: Step[]; after: Step[] }>()
  const list = useRef<HTMLDivElement>(null)

  // What is wrong is to be seen.
  const [judged, setJudged] = useState(errors)
  if (judged !== errors) {
    setJudged(errors)
    const wrong = rows.keys.filter((_, index) => isWrong(errors, index))
    if (wrong.some((key) => !opened.has(key))) setOpened(new Set([...opened, ...wrong]))
  }

  const setOpen = (key: number | undefined, open: boolean) => {
    if (key === undefined) return
    const next = new Set(opened)
    if (open) next.add(key)
    else next.delete(key)
    setOpened(next)
  }

  const add = (at: number, step: Step) => {
    setOpen(rows.insert(at), true)
    onChange(insertStep(steps, at, step))
    // What comes next is to fill it in.
    setTimeout(() => {
      const card = list.current?.querySelector(`[role="group"][aria-label^="Step ${at + 1}:"]`)
      card?.scrollIntoView({ block: 'nearest' })
      card?.querySelector<HTMLInputElement>('input')?.focus({ preventScroll: true })
    })
  }

  const move = (index: number, by: -1 | 1) => {
    const to = index + by
    if (to < 0 || to >= steps.length) return
    const focused = document.activeElement
    rows.move(index, to)
    onChange(moveStep(steps, index, to))
    // Moving takes the focus from what is moved; at the end of the list a button can't have it any more.
    setTimeout(() => {
      if (!(focused instanceof HTMLButtonElement)) return
      const card = focused.closest('[role="group"]')
      const next = focused.disabled ? card?.querySelector<HTMLElement>('button[aria-expanded]') : focused
      next?.focus()
    })
  }

  const remove = (index: number) => {
    const after = removeStep(steps, index)
    const step = steps[index]
    if (step) setRemoved({ title: step.name || stepTitle(step.step_type), at: index, before: steps, after })
    rows.remove(index)
    onChange(after)
  }

  return (
    <Stack gap="xs" ref={list}>
      {steps.length === 0 && (
        <Empty title="A job does its steps one after the other">
          Download from one server, upload to another one, tidy up: add the first step.
        </Empty>
      )}
      {steps.map((step, index) => {
        const at = `steps[${index}]`
        const key = rows.keys[index]
        return (
          <StepCard
            key={key}
            number={index + 1}
            count={steps.length}
            step={step}
            before={steps.slice(0, index)}
            types={types}
            opened={key !== undefined && opened.has(key)}
            onToggle={() => setOpen(key, key !== undefined && !opened.has(key))}
            onChange={(next, field) => onChange(steps.with(index, next), `${at}.${field}`)}
            onMove={(by) => move(index, by)}
            onDuplicate={() => add(index + 1, structuredClone(step))}
            onRemove={() => remove(index)}
            error={(field) => errors[`${at}.${field}`]}
            wrong={isWrong(errors, index)}
          />
        )
      })}
      {errors.steps && (
        <Text size="sm" c="red">
          {errors.steps}
        </Text>
      )}
      <Group justify={steps.length === 0 ? 'center' : 'flex-start'}>
        <AddStep
          types={types}
          first={steps.length === 0}
          onAdd={(type) => add(steps.length, { step_type: type.step_type, config: {} })}
        />
        {/* Undo as long as nothing else was changed: it brings all steps back as they were. */}
        {removed?.after === steps && (
          <Button
            variant="subtle"
            size="xs"
            onClick={() => {
              rows.insert(removed.at)
              onChange(removed.before)
            }}
          >
            Undo: bring “{removed.title}” back
          </Button>
        )}
      </Group>
    </Stack>
  )
}

function isWrong(errors: Record<string, string>, index: number): boolean {
  const at = `steps[${index}]`
  return Object.keys(errors).some((field) => field === at || field.startsWith(`${at}.`))
}
