import { Radio, Select, SimpleGrid, Text } from '@mantine/core'
import { useId } from '@mantine/hooks'
import { protocolName } from '../../ui/format'
import type { Protocol } from '../protocols'
import classes from './ProtocolField.module.css'

type Props = {
  protocols: Protocol[]
  value: string
  /** For a connection that is there: it is hardly ever changed. */
  small: boolean
  onChange: (name: string) => void
}

/** How the partner’s server is spoken to, with when to take which. */
export function ProtocolField({ protocols, value, small, onChange }: Props) {
  const id = useId()
  if (small) {
    return (
      <Select
        label="Protocol"
        name="protocol"
        data={protocols.map(({ name }) => ({ value: name, label: protocolName(name) }))}
        value={value}
        onChange={(name) => name && onChange(name)}
        allowDeselect={false}
      />
    )
  }
  return (
    <Radio.Group label="Protocol" name="protocol" value={value} onChange={onChange}>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" mt={4}>
        {protocols.map((protocol) => (
          <Radio.Card
            key={protocol.name}
            value={protocol.name}
            p="xs"
            radius="md"
            className={classes.card}
            aria-labelledby={`${id}-${protocol.name}`}
            aria-describedby={`${id}-${protocol.name}-help`}
          >
            <Text size="sm" fw={600} id={`${id}-${protocol.name}`}>
              {protocolName(protocol.name)}
            </Text>
            <Text size="xs" className={classes.help} id={`${id}-${protocol.name}-help`}>
              {protocol.help}
            </Text>
          </Radio.Card>
        ))}
      </SimpleGrid>
    </Radio.Group>
  )
}
