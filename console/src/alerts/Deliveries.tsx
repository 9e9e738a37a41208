import { ActionIcon, Badge, Table, Text, VisuallyHidden } from '@mantine/core'
import { ChevronDown, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { api, read } from '../api/client'
import { usePages } from '../api/pages'
import type { schemas } from '../api/types'
import { Facts } from '../ui/Facts'
import { Fixed } from '../ui/Fixed'
import { counted } from '../ui/format'
import { Loading } from '../ui/Loading'
import { More } from '../ui/More'
import { Problem } from '../ui/Problem'
import { Scroll } from '../ui/Scroll'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { kindName } from './kinds'

type Delivery = schemas['AlertDelivery']

const states: Record<Delivery['state'], { label: string; color: string }> = {
  pending: { label: 'Waits', color: 'blue' },
  delivered: { label: 'Delivered', color: 'green' },
  failed: { label: 'Failed', color: 'red' },
  joined: { label: 'In another', color: 'gray' },
  dropped: { label: 'Dropped', color: 'gray' },
}

/** The messages of an alert, and what became of each. */
export function Deliveries({ id }: { id: string }) {
  const deliveries = usePages(['alerts', id, 'deliveries'], (cursor) =>
    read(api.GET('/api/alerts/{id}/deliveries', { params: { path: { id }, query: { cursor } } })),
  )
  return (
    <Section title="Messages" about="Of the last 30 days, the newest first." flush>
      {deliveries.isPending ? (
        <Loading />
      ) : deliveries.error && deliveries.items.length === 0 ? (
        <Problem error={deliveries.error} retry={() => void deliveries.refetch()} />
      ) : deliveries.items.length === 0 ? (
        <Text size="sm" p="md">
          There was nothing to tell yet. A test message shows whether one would arrive.
        </Text>
      ) : (
        <>
          <Scroll label="Messages that were sent" minWidth={0}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th w={1}>State</Table.Th>
                <Table.Th>About</Table.Th>
                <Table.Th w={1}>
                  <VisuallyHidden>Details</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {deliveries.items.map((delivery) => (
                <Row key={delivery.id} delivery={delivery} />
              ))}
            </Table.Tbody>
          </Scroll>
          <More pages={deliveries} />
        </>
      )}
    </Section>
  )
}

function Row({ delivery }: { delivery: Delivery }) {
  const [opened, setOpened] = useState(false)
  const state = states[delivery.state]
  const about = kindName(delivery.type)
  const details = `delivery-${delivery.id}`
  return (
    <>
      <Table.Tr>
        <Fixed>
          <Badge variant="light" color={state.color}>
            {state.label}
          </Badge>
        </Fixed>
        <Table.Td fz="sm">
          {about}
          {delivery.recovered && ' (all is well again)'}
          {delivery.held > 0 && `, with ${counted(delivery.held, 'more', 'more')} that were held back`}
          <Text size="xs" c="dimmed">
            <Time at={delivery.at} />
          </Text>
          {delivery.state === 'failed' && <Text size="sm">{delivery.answer}</Text>}
        </Table.Td>
        <Table.Td>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={() => setOpened(!opened)}
            aria-expanded={opened}
            aria-controls={details}
            aria-label={`Details of ${about}`}
          >
            {opened ? <ChevronDown size={16} /> : <ChevronRight size={16} />}
          </ActionIcon>
        </Table.Td>
      </Table.Tr>
      <Table.Tr id={details} hidden={!opened}>
        {opened && (
          <Table.Td colSpan={3} fz="sm">
            <Answer delivery={delivery} />
            {Object.keys(delivery.facts).length > 0 && <Facts facts={delivery.facts} />}
          </Table.Td>
        )}
      </Table.Tr>
    </>
  )
}

/** What the other side said, after how many attempts. */
function Answer({ delivery }: { delivery: Delivery }) {
  const { state, attempts, answer, ended_at, due_at } = delivery
  if (state === 'joined') return <Text size="sm">It goes out with another message.</Text>
  return (
    <Text size="sm">
      {answer && state !== 'failed' && (
        <>
          {answer}
          <br />
        </>
      )}
      {counted(attempts, 'attempt')}
      {ended_at ? ', over ' : ', the next one '}
      <Time at={ended_at ?? due_at} as="full" />.
    </Text>
  )
}
