import { Badge, Box, Code, Group, Progress, Text, Title } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { StateBadge } from '../ui/badges'
import { Countdown, Elapsed } from '../ui/Elapsed'
import { Facts } from '../ui/Facts'
import { Fold } from '../ui/Fold'
import { bytes, counted, rate, words } from '../ui/format'
import { Time } from '../ui/Time'
import { ExecutionError } from './ExecutionError'
import { FileBars } from './FileBars'
import { outputsOf, pullInWords, troublesOf } from './outputs'
import { Traces } from './Traces'
import { Troubles } from './Troubles'
import { type Execution, isOver, type Live, type Step } from './useExecution'

type Props = {
  step: Step
  execution: Execution
  live: Live
  /** Does the address point at it? */
  isMeant: boolean
}

/** A step of an execution: where it is, what moves in it, what went wrong and what it gave. */
export function StepItem({ step, execution, live, isMeant }: Props) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (isMeant) box.current?.scrollIntoView({ block: 'center' })
  }, [isMeant])

  const outputs = outputsOf(execution.context, step.index)
  const waits = step.retry_at && !isOver(execution.state)
  return (
    <Box ref={box} component="section" aria-label={`Step ${step.index}`} style={{ minWidth: 0 }}>
      <Group gap="xs" align="center">
        <Title order={3} size="h6" style={{ overflowWrap: 'anywhere' }}>
          {step.index}. {step.name ?? words(step.step_type)}
        </Title>
        {isOver(execution.state) && step.state === 'pending' ? (
          <Badge color="gray" variant="light">
            Not reached
          </Badge>
        ) : (
          <StateBadge state={step.state} />
        )}
        {step.name && <Code>{step.step_type}</Code>}
      </Group>
      <Numbers step={step} live={live} said={pullInWords(outputs)} isOver={isOver(execution.state)} />
      {waits && (
        <Text size="sm" fw={500}>
          It failed and is tried again <Countdown to={step.retry_at ?? ''} /> (
          <Time at={step.retry_at} as="clock" />
          ).
        </Text>
      )}
      <FileBars files={live.files.filter((file) => file.step === step.index)} />
      {step.error && (
        <Box mt="xs">
          <ExecutionError error={step.error} />
        </Box>
      )}
      <Troubles troubles={troublesOf(outputs)} />
      {step.step_type === 'azure_function.execute' && step.started_at && (
        <Traces execution={execution.id} step={step.index} />
      )}
      {Object.keys(outputs).length > 0 && (
        <Fold label="Outputs" name={`Outputs of step ${step.index}`}>
          <Facts facts={outputs} />
        </Fold>
      )}
    </Box>
  )
}

type NumbersProps = { step: Step; live: Live; said: string | undefined; isOver: boolean }

/** How far it is and how long it took, on one line. */
function Numbers({ step, live, said, isOver }: NumbersProps) {
  if (!step.started_at) return null
  const now = live.steps[step.index]
  const files = now?.files_transferred ?? step.files_transferred
  const moved = now?.bytes_transferred ?? step.bytes_transferred
  const isRunning = step.state === 'running'
  const told = [
    said,
    !said && files > 0 && counted(files, 'file'),
    moved > 0 && bytes(moved),
    isRunning && now && now.transfer_rate_bytes_per_sec > 0 && rate(now.transfer_rate_bytes_per_sec),
    (step.retries ?? 0) > 0 && counted(step.retries ?? 0, 'retry', 'retries'),
    step.attempts > 1 && `started ${step.attempts} times`,
  ].filter(Boolean)
  return (
    <>
      <Text size="sm" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums' }}>
        {told.map((text) => `${text} · `)}
        {step.ended_at || (isRunning && !isOver) ? (
          <>
            <Elapsed from={step.started_at} to={step.ended_at} />
            {step.ended_at ? ', from ' : ', since '}
            <Time at={step.started_at} as="clock" />
          </>
        ) : (
          <>
            began at <Time at={step.started_at} as="clock" />
          </>
        )}
      </Text>
      {isRunning && !isOver && !live.files.some((file) => file.step === step.index) && (
        <Progress
          value={100}
          striped
          animated
          size="xs"
          mt={6}
          maw={240}
          aria-label={`Step ${step.index} is running`}
        />
      )}
    </>
  )
}
