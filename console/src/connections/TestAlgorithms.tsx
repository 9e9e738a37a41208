import { Badge, Button, Code, Collapse, Group, Stack, Text, Tooltip } from '@mantine/core'
import { useState } from 'react'
import type { schemas } from '../api/types'
import { counted } from '../ui/format'

const purposes: [keyof schemas['Algorithms'], string][] = [
  ['key_exchange', 'Key exchange'],
  ['host_key', 'Host keys'],
  ['encryption', 'Ciphers'],
  ['mac', 'Message authentication'],
  ['compression', 'Compression'],
]

type Props = { algorithms: schemas['Algorithms']; weak: schemas['WeakAlgorithm'][] }

/** Every algorithm that the server takes, by its purpose; weak ones say why. */
export function TestAlgorithms({ algorithms, weak }: Props) {
  const [opened, setOpened] = useState(false)
  const reasons = new Map(weak.map(({ name, why }) => [name, why]))
  const total = purposes.reduce((sum, [purpose]) => sum + algorithms[purpose].length, 0)
  return (
    <div>
      <Group gap="xs">
        <Text fw={600} size="sm">
          Algorithms
        </Text>
        <Text size="sm">{total}</Text>
        {weak.length > 0 && (
          <Badge color="orange" variant="light">
            {counted(weak.length, 'weak one')}
          </Badge>
        )}
        <Button size="compact-xs" variant="subtle" onClick={() => setOpened(!opened)} aria-expanded={opened}>
          {opened ? 'Hide algorithms' : 'Show algorithms'}
        </Button>
      </Group>
      <Collapse expanded={opened}>
        <Stack gap="xs" mt="xs">
          {purposes
            .filter(([purpose]) => algorithms[purpose].length > 0)
            .map(([purpose, title]) => (
              <div key={purpose}>
                <Text size="xs" fw={600}>
                  {title}
                </Text>
                <Group gap={6}>
                  {algorithms[purpose].map((name) => (
                    <Algorithm key={name} name={name} why={purpose === 'compression' ? undefined : reasons.get(name)} />
                  ))}
                </Group>
              </div>
            ))}
        </Stack>
      </Collapse>
    </div>
  )
}

function Algorithm({ name, why }: { name: string; why: string | undefined }) {
  if (!why) return <Code>{name}</Code>
  return (
    <Tooltip label={why} events={{ hover: true, focus: true, touch: true }}>
      <Group gap={4} wrap="nowrap" tabIndex={0}>
        <Code>{name}</Code>
        <Badge size="xs" color="orange" variant="light">
          Weak
        </Badge>
      </Group>
    </Tooltip>
  )
}
