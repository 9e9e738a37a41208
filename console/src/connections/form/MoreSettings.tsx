import { Accordion, Badge, Group, Stack, Text, Textarea } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { protocolName } from '../../ui/format'
import { choiceLabel } from '../labels'
import type { Field, Protocol } from '../protocols'
import { type Draft, effective } from './draft'
import { risks } from './risks'

type Props = {
  protocol: Protocol
  draft: Draft
  fields: Field[]
  errors: Record<string, string>
  input: (field: Field) => ReactNode
  onChange: (name: string, value: unknown) => void
}

const POLICIES = ['host_key_policy', 'tls_cert_policy']

/** Whom to trust, and then by what, comes before all else of a subject. */
const FIRST = [...POLICIES, 'stored_host_fingerprint', 'tls_pinned_thumbprint']

const late = (field: Field) => (FIRST.includes(field.name) ? FIRST.indexOf(field.name) : FIRST.length)

/** What has a default, or few need, by subject. A subject with a mistake in it is open. */
export function MoreSettings({ protocol, draft, fields, errors, input, onChange }: Props) {
  const groups = [
    { value: 'login', title: 'More about the login' },
    { value: 'trust', title: 'Trust' },
    { value: 'protocol', title: `${protocolName(protocol.name)} settings` },
    { value: 'limits', title: 'Times and limits' },
  ]
    .map((group) => ({
      ...group,
      fields: fields.filter((field) => field.group === group.value).toSorted((a, b) => late(a) - late(b)),
    }))
    .filter((group) => group.fields.length > 0)
  const dangers = risks(draft, protocol)
  const risky = (list: Field[]) => dangers.filter((risk) => list.some((field) => field.name === risk.field))
  const [chosen, setChosen] = useState(() => groups.filter((g) => risky(g.fields).length > 0).map((g) => g.value))
  const wrong = groups.filter((group) => group.fields.some((field) => errors[field.name])).map((group) => group.value)
  return (
    <Accordion
      variant="separated"
      radius="md"
      multiple
      order={2}
      keepMounted
      value={[...new Set([...chosen, ...wrong, ...(errors.notes ? ['notes'] : [])])]}
      onChange={setChosen}
    >
      {groups.map((group) => (
        <Accordion.Item key={group.value} value={group.value}>
          <Accordion.Control>
            <Group gap="xs">
              <Text fw={600}>{group.title}</Text>
              <Summary fields={group.fields} draft={draft} protocol={protocol} />
              {risky(group.fields).map((risk) => (
                <Badge key={risk.title} color={risk.grave ? 'red' : 'orange'} variant="filled">
                  {risk.grave ? 'Insecure' : 'Weak'}
                </Badge>
              ))}
            </Group>
          </Accordion.Control>
          <Accordion.Panel>
            <Stack gap="md">
              {group.fields.map((field) => (
                <div key={field.name}>{input(field)}</div>
              ))}
            </Stack>
          </Accordion.Panel>
        </Accordion.Item>
      ))}
      <Accordion.Item value="notes">
        <Accordion.Control>
          <Group gap="xs">
            <Text fw={600}>Notes</Text>
            {draft.values.notes ? <Small>written</Small> : null}
          </Group>
        </Accordion.Control>
        <Accordion.Panel>
          <Textarea
            label="Notes"
            description="Whom to call, what was agreed on: whatever the next person should know."
            name="notes"
            value={String(draft.values.notes ?? '')}
            onChange={(event) => onChange('notes', event.currentTarget.value || undefined)}
            error={errors.notes}
            autosize
            minRows={3}
            maxRows={12}
          />
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  )
}

const Small = ({ children }: { children: ReactNode }) => (
  <Text span size="sm" c="dimmed">
    {children}
  </Text>
)

/** The policy, where the subject is about one; else how much is set. */
function Summary({ fields, draft, protocol }: { fields: Field[]; draft: Draft; protocol: Protocol }) {
  const policy = fields.find((field) => POLICIES.includes(field.name))
  if (policy) return <Small>{choiceLabel(String(effective(draft, protocol, policy.name)))}</Small>
  const set = fields.filter((field) => {
    const value = draft.values[field.name]
    return value !== undefined && value !== null && JSON.stringify(value) !== JSON.stringify(field.default ?? null)
  })
  return set.length > 0 ? <Small>{set.length} set</Small> : <Small>as usual</Small>
}
