import { ActionIcon, Badge, Box, Group, Paper, Text, Tooltip, UnstyledButton } from '@mantine/core'
import { ArrowDown, ArrowUp, ChevronDown, ChevronRight, CopyPlus, Trash2 } from 'lucide-react'
import { type KeyboardEvent, useId } from 'react'
import type { Step } from '../draft'
import { StepWords } from '../StepWords'
import classes from './StepCard.module.css'
import { StepForm } from './StepForm'
import { type StepType, stepPlace, stepTitle } from './stepTypes'

type Props = {
  number: number
  count: number
  step: Step
  before: Step[]
  types: StepType[]
  opened: boolean
  onToggle: () => void
  onChange: (step: Step, field: string) => void
  onMove: (by: -1 | 1) => void
  onDuplicate: () => void
  onRemove: () => void
  error: (field: string) => string | undefined
  /** Is something wrong anywhere in the step? */
  wrong: boolean
}

/** A step of a job as a card: what it does in words, and its form when it is open. */
export function StepCard(props: Props) {
  const { number, count, step, before, types, opened, onToggle, onMove, wrong } = props
  const id = useId()
  const title = step.name || stepTitle(step.step_type)

  const keys = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : undefined
    // In inputs these keys do other things.
    if (!event.altKey || !by || !(event.target instanceof HTMLButtonElement)) return
    event.preventDefault()
    onMove(by)
  }

  return (
    <Paper withBorder role="group" aria-label={`Step ${number}: ${title}`} onKeyDown={keys} style={{ minWidth: 0 }}>
      <Box className={classes.head} p="xs">
        <Group justify="space-between" wrap="nowrap" gap="xs" align="flex-start">
          <Group gap="xs" miw={0} mih={28}>
            <UnstyledButton className={classes.toggle} onClick={onToggle} aria-expanded={opened} aria-controls={id}>
              {opened ? <ChevronDown size={16} aria-hidden /> : <ChevronRight size={16} aria-hidden />}
              <Text span size="sm" fw={600}>
                {number}. {title}
              </Text>
            </UnstyledButton>
            <Badge variant="default" size="sm">
              {stepPlace(step.step_type)}
            </Badge>
            {wrong && (
              <Badge color="red" size="sm">
                Needs a correction
              </Badge>
            )}
          </Group>
          <Group gap={2} wrap="nowrap" className={classes.buttons}>
            <Button label={`Move step ${number} up`} keys="Alt ↑" onClick={() => onMove(-1)} disabled={number === 1}>
              <ArrowUp size={16} />
            </Button>
            <Button
              label={`Move step ${number} down`}
              keys="Alt ↓"
              onClick={() => onMove(1)}
              disabled={number === count}
            >
              <ArrowDown size={16} />
            </Button>
            <Button label={`Duplicate step ${number}`} onClick={props.onDuplicate}>
              <CopyPlus size={16} />
            </Button>
            <Button label={`Remove step ${number}`} onClick={props.onRemove}>
              <Trash2 size={16} />
            </Button>
          </Group>
        </Group>
        {!opened && (
          <Text size="sm" c="dimmed" component="div" pl={24}>
            <StepWords step={step} />
          </Text>
        )}
      </Box>
      <Box id={id} px="sm" pb={opened ? 'sm' : 0}>
        {opened && (
          <StepForm
            step={step}
            type={types.find((type) => type.step_type === step.step_type)}
            before={before}
            types={types}
            onChange={props.onChange}
            error={props.error}
          />
        )}
      </Box>
    </Paper>
  )
}

type ButtonProps = { label: string; keys?: string; onClick: () => void; disabled?: boolean; children: React.ReactNode }

function Button({ label, keys, children, ...rest }: ButtonProps) {
  return (
    <Tooltip label={keys ? `${label} (${keys})` : label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} {...rest}>
        {children}
      </ActionIcon>
    </Tooltip>
  )
}
