import { Group, Paper, SimpleGrid, Text, UnstyledButton } from '@mantine/core'
import type { LucideIcon } from 'lucide-react'
import { Activity, ArrowDownUp, CircleCheck, CircleX, Plug, TriangleAlert } from 'lucide-react'
import { Link } from 'react-router'
import type { schemas } from '../api/types'
import { bytes, count, counted } from '../ui/format'

/** What runs, what failed, what needs attention: numbers, each of them the way to what it counts. */
export function Tiles({ overview }: { overview: schemas['Overview'] }) {
  const { connections, executions, moved_24h, moved_7d } = overview
  const troubled = (connections.failing ?? 0) + (connections.requires_attention ?? 0)
  const all = Object.values(connections).reduce((sum, one) => sum + one, 0)
  const failed = executions.failed ?? 0
  const running = executions.running ?? 0
  const waiting = (executions.queued ?? 0) + (executions.paused ?? 0)
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
      <Tile
        name="Connections"
        value={count(all)}
        note={troubled > 0 ? `${count(troubled)} in trouble` : all > 0 ? 'None in trouble' : 'None yet'}
        icon={troubled > 0 ? TriangleAlert : Plug}
        color={troubled > 0 ? 'orange' : 'gray'}
        to={
          (connections.requires_attention ?? 0) > 0 && (connections.failing ?? 0) === 0
            ? '/connections?health=requires_attention'
            : troubled > 0
              ? '/connections?health=failing'
              : '/connections'
        }
      />
      <Tile
        name="Running now"
        value={count(running)}
        note={waiting > 0 ? `${count(waiting)} queued or paused` : 'None waits'}
        icon={Activity}
        color={running > 0 ? 'blue' : 'gray'}
        to="/executions?state=running"
      />
      <Tile
        name="Failed in 24 hours"
        value={count(failed)}
        note={`${count(executions.completed ?? 0)} completed`}
        icon={failed > 0 ? CircleX : CircleCheck}
        color={failed > 0 ? 'red' : 'green'}
        to="/executions?state=failed&since=24h"
      />
      <Tile
        name="Moved in 24 hours"
        value={bytes(moved_24h.bytes)}
        note={`${counted(moved_24h.files, 'file')}; ${bytes(moved_7d.bytes)} in 7 days`}
        icon={ArrowDownUp}
        color="gray"
        to="/executions?state=completed&since=24h"
      />
    </SimpleGrid>
  )
}

type TileProps = { name: string; value: string; note: string; icon: LucideIcon; color: string; to: string }

function Tile({ name, value, note, icon: Icon, color, to }: TileProps) {
  return (
    <UnstyledButton component={Link} to={to} style={{ display: 'flex' }}>
      <Paper withBorder radius="md" p="md" w="100%">
        <Group justify="space-between" wrap="nowrap" gap="xs" align="flex-start">
          <Text size="sm">{name}</Text>
          <Icon
            size={18}
            aria-hidden
            color={color === 'gray' ? 'var(--mantine-color-dimmed)' : `var(--mantine-color-${color}-text)`}
          />
        </Group>
        <Text fz={26} fw={700} lh={1.3}>
          {value}
        </Text>
        <Text size="xs" c="dimmed">
          {note}
        </Text>
      </Paper>
    </UnstyledButton>
  )
}
