import { Alert, Autocomplete, Box, Button, Grid, Group, Paper, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { api, read } from '../../api/client'
import type { schemas } from '../../api/types'
import { Problem } from '../../ui/Problem'
import { Section } from '../../ui/Section'
import { useLeaveGuard } from '../../ui/useLeaveGuard'
import { fieldLabel } from '../labels'
import type { Field, Protocol } from '../protocols'
import { TestResult } from '../TestResult'
import { applies, changesOf, type Draft, draftOf, moves, secretsToType, withProtocol } from './draft'
import { FieldInput } from './FieldInput'
import { MoreSettings } from './MoreSettings'
import { ProtocolField } from './ProtocolField'
import { useDraft, useSave, useTestDraft, useTestSaved } from './useSetUp'

type Connection = schemas['Connection']

type Props = {
  protocols: Protocol[]
  first: Draft
  /** The saved connection that is changed; none for a new one. */
  connection?: Connection
  /** Tests the saved one without being asked. */
  testAtOnce?: boolean
  /** `tested`: the same had just been tested, and it worked. */
  onSaved?: (saved: Connection, tested: boolean) => void
  onCancel?: () => void
}

/** What everybody has to say; the rest has a default, or few need it. */
const isEssential = (field: Field) =>
  field.required || ((field.group === 'address' || field.group === 'login') && field.type !== 'long_secret')

/** The form of a connection: what its protocol needs, and nothing else; with a test before it is saved. */
export function ConnectionForm({
  protocols,
  first: initial,
  connection: latest,
  testAtOnce = false,
  onSaved,
  onCancel,
}: Props) {
  const { draft, errors, replace, set, refused } = useDraft(initial)
  const protocol = protocols.find((known) => known.name === draft.protocol)
  // What the form began with: what somebody else changes meanwhile is not taken back by saving this.
  const [connection, setConnection] = useState(latest)
  const [first, setFirst] = useState(initial)
  const form = useRef<HTMLFormElement>(null)
  const changed = isChanged(first, draft, connection, protocol)
  const release = useLeaveGuard(changed)
  const tested = useRef<Draft>(undefined)
  const begin = (next: Connection) => {
    const theirs = protocols.find(({ name }) => name === next.protocol)
    if (!theirs) return
    const draft = draftOf(next, theirs)
    setConnection(next)
    setFirst(draft)
    replace(draft)
  }
  const save = useSave(connection, (saved) => {
    release()
    if (connection) begin(saved)
    onSaved?.(saved, tested.current === draft)
  })
  const testDraft = useTestDraft()
  const testSaved = useTestSaved(connection?.id ?? '')
  const groups = useQuery({
    queryKey: ['connections', 'groups'],
    queryFn: async () => {
      const { items } = await read(api.GET('/api/connections', { params: { query: { limit: 1000 } } }))
      return [...new Set(items.flatMap(({ group }) => (group ? [group] : [])))].sort()
    },
  })

  // After a refusal the first field that is wrong is where the cursor is.
  useEffect(() => {
    if (Object.keys(errors).length === 0) return
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-error="true"]')?.focus()
  }, [errors])

  // While nothing is typed, the form follows what is saved.
  const stale = !changed && latest && latest.updated_at !== connection?.updated_at
  useEffect(() => {
    if (stale) begin(latest)
  })

  const begun = useRef(false)
  useEffect(() => {
    if (!testAtOnce || begun.current) return
    begun.current = true
    testSaved.mutate()
  })

  if (!protocol) return <Alert color="orange">This server does not know the protocol {draft.protocol}.</Alert>

  const moved = connection !== undefined && moves(connection, draft, protocol)
  const missing = connection && !moved ? secretsToType(connection, draft, protocol) : []
  const saved = connection !== undefined && !changed
  const test = saved ? testSaved : testDraft
  const run = () => {
    if (saved) {
      testDraft.reset()
      testSaved.mutate()
      return
    }
    testSaved.reset()
    testDraft.mutate(
      { draft, protocol },
      {
        onSuccess: (result) => {
          tested.current = result.success ? draft : undefined
        },
        onError: refused,
      },
    )
  }
  const fields = protocol.fields.filter((field) => applies(field, draft, protocol))
  const input = (field: Field) => (
    <FieldInput
      field={field}
      protocol={protocol}
      draft={draft}
      connection={connection}
      moved={moved}
      onChange={set}
      error={errors[field.name]}
    />
  )
  const essentials = (login: boolean) => fields.filter((f) => isEssential(f) && (f.group === 'address') !== login)
  const refusal = save.error ?? testDraft.error

  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        testDraft.reset()
        save.mutate({ draft, protocol }, { onError: refused })
      }}
    >
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="md">
            <Section title="Server">
              <Stack gap="sm">
                <Grid gap="sm">
                  <Grid.Col span={{ base: 12, xs: 8 }}>
                    <TextInput
                      label="Name"
                      name="name"
                      description="What people here call the partner or the server."
                      value={String(draft.values.name ?? '')}
                      onChange={(event) => set('name', event.currentTarget.value || undefined)}
                      error={errors.name}
                      withAsterisk
                      autoComplete="off"
                      autoFocus={!connection}
                    />
                  </Grid.Col>
                  <Grid.Col span={{ base: 12, xs: 4 }}>
                    <Autocomplete
                      label="Group"
                      name="group"
                      description="What the list files it under."
                      value={String(draft.values.group ?? '')}
                      onChange={(group) => set('group', group || undefined)}
                      data={groups.data ?? []}
                      error={errors.group}
                      autoComplete="off"
                    />
                  </Grid.Col>
                </Grid>
                <ProtocolField
                  protocols={protocols}
                  value={draft.protocol}
                  onChange={(name) => {
                    const next = protocols.find((known) => known.name === name)
                    if (next) replace(withProtocol(draft, next))
                  }}
                />
                <Fields fields={essentials(false)} input={input} />
                {moved && <Moved connection={connection} />}
              </Stack>
            </Section>
            {essentials(true).length > 0 && (
              <Section title="Login">
                <Fields fields={essentials(true)} input={input} />
              </Section>
            )}
            <MoreSettings
              protocol={protocol}
              draft={draft}
              fields={fields.filter((field) => !isEssential(field))}
              errors={errors}
              input={input}
              onChange={set}
            />
            {refusal && <Problem error={refusal} />}
            <Buttons
              missing={saved ? [] : missing.map((name) => fieldLabel(name, protocol.name))}
              testing={test.isPending}
              onTest={run}
              saving={save.isPending}
              nothing={saved}
              label={connection ? 'Save changes' : 'Save connection'}
              onCancel={
                connection && changed
                  ? () => {
                      replace(first)
                      save.reset()
                    }
                  : onCancel
              }
              cancel={connection ? 'Undo changes' : 'Cancel'}
            />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Box pos={{ md: 'sticky' }} top={{ md: 68 }}>
            <Outcome
              testing={test.isPending}
              {...(saved ? { error: testSaved.error } : {})}
              {...(test.data ? { result: test.data } : {})}
              draft={draft}
              onChange={set}
              saved={saved}
            />
          </Box>
        </Grid.Col>
      </Grid>
    </form>
  )
}

function isChanged(first: Draft, draft: Draft, connection: Connection | undefined, protocol: Protocol | undefined) {
  if (connection && protocol && draft.protocol === connection.protocol) {
    return Object.keys(changesOf(connection, draft, protocol)).length > 0
  }
  // The way to log in goes with the protocol: choosing that alone is nothing that could be lost.
  const typed = Object.entries(draft.values).filter(([name]) => name !== 'auth_method')
  return connection !== undefined || typed.some(([name, value]) => value !== first.values[name])
}

/** Fields below each other; the port is beside the host. */
function Fields({ fields, input }: { fields: Field[]; input: (field: Field) => ReactNode }) {
  const span = (name: string) => (name === 'host' ? { base: 12, xs: 8 } : name === 'port' ? { base: 12, xs: 4 } : 12)
  return (
    <Grid gap="sm">
      {fields.map((field) => (
        <Grid.Col key={field.name} span={span(field.name)}>
          {input(field)}
        </Grid.Col>
      ))}
    </Grid>
  )
}

function Moved({ connection }: { connection: Connection }) {
  const kept = [
    connection.has_password || connection.has_client_secret || connection.has_client_certificate
      ? 'its stored secrets'
      : undefined,
    connection.stored_host_fingerprint ? 'the host key that it trusts' : undefined,
    connection.tls_pinned_thumbprint ? 'the certificate that is pinned' : undefined,
  ].filter((what) => what !== undefined)
  return (
    <Alert color="orange" title="This is another server now" role="status">
      {kept.length > 0
        ? `Secrets and trust never follow to another server: saving forgets ${kept.join(' and ')}.`
        : 'Saving forgets what is known of the old one.'}
    </Alert>
  )
}

type ButtonsProps = {
  /** Secrets that have to be typed before what is changed can be tested. */
  missing: string[]
  testing: boolean
  onTest: () => void
  saving: boolean
  /** There is nothing to save. */
  nothing: boolean
  label: string
  onCancel?: (() => void) | undefined
  cancel: string
}

function Buttons({ missing, testing, onTest, saving, nothing, label, onCancel, cancel }: ButtonsProps) {
  return (
    <Paper withBorder p="sm" radius="md" pos="sticky" bottom={8} shadow="sm">
      <Group justify="space-between" gap="xs">
        <Button variant={nothing ? 'filled' : 'light'} onClick={onTest} loading={testing} disabled={missing.length > 0}>
          Test
        </Button>
        <Group gap="xs">
          {onCancel && (
            <Button variant="default" onClick={onCancel}>
              {cancel}
            </Button>
          )}
          <Button type="submit" loading={saving} disabled={nothing}>
            {label}
          </Button>
        </Group>
      </Group>
      {missing.length > 0 && (
        <Text size="xs" mt="xs">
          To test these changes before they are saved, type the {missing.join(' and the ').toLowerCase()} again. Or
          save, and test then.
        </Text>
      )}
    </Paper>
  )
}

type OutcomeProps = {
  testing: boolean
  error?: Error | null
  result?: schemas['TestResult']
  draft: Draft
  saved: boolean
  onChange: (name: string, value: unknown) => void
}

function Outcome({ testing, error, result, saved, draft, onChange }: OutcomeProps) {
  if (error) return <Problem error={error} />
  if (result && !testing) {
    return (
      <TestResult
        result={result}
        onPinCertificate={(thumbprint) => {
          onChange('tls_cert_policy', 'pinned_thumbprint')
          onChange('tls_pinned_thumbprint', thumbprint)
        }}
        onPinHostKey={
          draft.values.host_key_policy === 'manual'
            ? (fingerprint) => onChange('stored_host_fingerprint', fingerprint)
            : undefined
        }
      />
    )
  }
  return (
    <Section title="Test result">
      <Text size="sm" role="status">
        {testing
          ? 'Connecting, logging in, and listing the base folder…'
          : saved
            ? 'A test connects, logs in and lists the base folder. It shows who the server is and what it can do.'
            : 'Test before you save: a test connects, logs in and lists the base folder, and says what is wrong if it can’t. Nothing is kept.'}
      </Text>
    </Section>
  )
}
