import { Button, Group, Stack, Text, ThemeIcon } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Check, Circle } from 'lucide-react'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import type { schemas } from '../api/types'
import { Section } from '../ui/Section'

type Step = { done: boolean; title: string; help: string; ways: { to: string; label: string }[] }

/** On a server that nobody has set up yet: what comes first, until all of it is done or somebody has seen enough of it. */
export function FirstSteps({ overview }: { overview: schemas['Overview'] }) {
  const [hidden, hide] = useLocalStorage({ key: 'courier-first-steps-hidden', defaultValue: false })
  const connected = some(overview.connections)
  const one = { params: { query: { limit: 1 } } }
  const jobs = useQuery({ queryKey: ['jobs', 'any'], queryFn: () => read(api.GET('/api/jobs', one)), enabled: !hidden })
  const mappings = useQuery({
    queryKey: ['folder-mappings', 'any'],
    queryFn: () => read(api.GET('/api/folder-mappings', one)),
    enabled: !hidden,
  })
  const alerts = useQuery({
    queryKey: ['alerts', 'any'],
    queryFn: () => read(api.GET('/api/alerts', one)),
    enabled: !hidden,
  })
  if (hidden || !jobs.data || !mappings.data || !alerts.data) return null

  const steps: Step[] = [
    {
      done: connected,
      title: 'Connect a server',
      help: 'The address of a partner’s server and a key or a password for it. It is tested before it is saved.',
      ways: [{ to: '/connections/new', label: 'Connect a server' }],
    },
    {
      done: jobs.data.items.length > 0 || mappings.data.items.length > 0,
      title: 'Say what moves',
      help: 'A folder of the connection that is pulled again and again, or a job of several steps.',
      ways: [
        { to: '/connections', label: 'Map a folder' },
        { to: '/jobs/new', label: 'Make a job' },
      ],
    },
    {
      done: alerts.data.items.length > 0,
      title: 'Be told when something fails',
      help: 'An alert sends a mail or calls a webhook when a transfer fails, a host key changes or a file doesn’t come.',
      ways: [{ to: '/alerts', label: 'Set up an alert' }],
    },
  ]
  if (steps.every(({ done }) => done)) return null
  const next = steps.find(({ done }) => !done)

  return (
    <Section
      title="First steps"
      actions={
        <Button variant="subtle" size="xs" onClick={() => hide(true)}>
          Hide this
        </Button>
      }
    >
      <Stack gap="md" component="ol" p={0} m={0}>
        {steps.map((step, index) => (
          <Row key={step.title} step={step} number={index + 1} isNext={step === next} />
        ))}
      </Stack>
    </Section>
  )
}

function Row({ step, number, isNext }: { step: Step; number: number; isNext: boolean }) {
  return (
    <Group component="li" gap="sm" align="flex-start" wrap="nowrap" style={{ listStyle: 'none' }}>
      <ThemeIcon size={24} radius="xl" variant="light" color={step.done ? 'green' : 'gray'}>
        {step.done ? <Check size={16} aria-label="Done" /> : <Circle size={12} aria-label="Not done yet" />}
      </ThemeIcon>
      <div>
        <Text fw={600}>
          {number}. {step.title}
        </Text>
        {!step.done && (
          <>
            <Text size="sm" c="dimmed">
              {step.help}
            </Text>
            <Group gap="xs" pt="xs">
              {step.ways.map(({ to, label }, way) => (
                <Button
                  key={to}
                  component={Link}
                  to={to}
                  size="xs"
                  variant={isNext && way === 0 ? 'filled' : 'default'}
                >
                  {label}
                </Button>
              ))}
            </Group>
          </>
        )}
      </div>
    </Group>
  )
}

/** Is there anything at all? */
export const some = (counts: Record<string, number>) => Object.values(counts).some((number) => number > 0)
