import { Alert, Autocomplete, Box, Grid, Stack, TextInput } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useConnections } from '../../api/lists'
import type { schemas } from '../../api/types'
import { ChangedMeanwhile } from '../../ui/ChangedMeanwhile'
import { Section } from '../../ui/Section'
import { byUpdate } from '../../ui/useBegun'
import { useLeaveGuard } from '../../ui/useLeaveGuard'
import { fieldLabel } from '../labels'
import type { Field, Protocol } from '../protocols'
import {
  applies,
  changesOf,
  type Draft,
  draftOf,
  isSecret,
  moves,
  secretsLeft,
  secretsToType,
  typedSince,
  withProtocol,
} from './draft'
import { FieldInput } from './FieldInput'
import { Buttons, Outcome, Refusal } from './FormSide'
import { MoreSettings } from './MoreSettings'
import { ProtocolField } from './ProtocolField'
import { RiskAlert } from './RiskAlert'
import { risks } from './risks'
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
  const { draft, errors, refusals, replace, set: put, wrong, refused } = useDraft(initial)
  const protocol = protocols.find((known) => known.name === draft.protocol)
  // What the form began with: what somebody else changes meanwhile is not taken back by saving this.
  const [connection, setConnection] = useState(latest)
  const [first, setFirst] = useState(initial)
  const form = useRef<HTMLFormElement>(null)
  const outcome = useRef<HTMLDivElement>(null)
  const changed = isChanged(first, draft, connection, protocol)
  const release = useLeaveGuard(changed)
  const tested = useRef<Draft>(undefined)
  const begin = (next: Connection, sent?: Draft) => {
    const theirs = protocols.find(({ name }) => name === next.protocol)
    if (!theirs) return
    const begun = draftOf(next, theirs)
    setConnection(next)
    setFirst(begun)
    replace(sent ? typedSince(begun, sent, draft) : begun)
  }
  const save = useSave(connection, (saved, sent) => {
    // What was sent may hold secrets, and what the last tests showed was of what is no more.
    for (const asked of [save, testDraft, testSaved]) asked.reset()
    if (connection) begin(saved, sent)
    else release()
    onSaved?.(saved, tested.current === sent)
    tested.current = undefined
  })
  const testDraft = useTestDraft()
  const testSaved = useTestSaved(connection?.id ?? '')
  const others = useConnections()
  const groups = [...new Set(others.data?.flatMap(({ group }) => group ?? []))].sort()

  // After a refusal the first field that is wrong is where the cursor is.
  useEffect(() => {
    if (refusals === 0) return
    const wrong = form.current?.querySelector('[data-error="true"]')
    wrong?.querySelector<HTMLElement>('input, textarea, button')?.focus()
  }, [refusals])

  // While nothing is typed, the form follows what is saved.
  const newer = latest && connection && byUpdate(latest) > byUpdate(connection) ? latest : undefined
  useEffect(() => {
    if (newer && !changed) begin(newer)
  })

  const begun = useRef(false)
  useEffect(() => {
    if (!testAtOnce || begun.current) return
    begun.current = true
    testSaved.mutate()
  })

  const answer = testDraft.data ?? testSaved.data
  useEffect(() => {
    // Where it is not beside the form.
    if (answer && !window.matchMedia('(min-width: 62em)').matches) outcome.current?.scrollIntoView()
  }, [answer])

  if (!protocol) return <Alert color="orange">This server does not know the protocol {draft.protocol}.</Alert>

  const set = (name: string, value: unknown) => put(name, value, connection && { connection, protocol })
  const moved = connection !== undefined && moves(connection, draft, protocol)
  const left = connection && !moved ? secretsLeft(connection, draft, protocol) : []
  const missing = connection && !moved ? secretsToType(connection, draft, protocol) : []
  const saved = connection !== undefined && !changed
  const test = saved ? testSaved : testDraft
  const run = () => {
    save.reset()
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
        onError: (error) => refused(error, protocol),
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
  const essentials = (login: boolean) => {
    const some = fields.filter((field) => isEssential(field) && (field.group === 'address') !== login)
    // Keys come before passwords, and whose secret it is before the secret.
    const keys = some.some(({ type }) => type === 'keys')
    const late = (field: Field) => (isSecret(field) && keys) || field.name === 'client_secret'
    return some.toSorted((a, b) => Number(late(a)) - Number(late(b)))
  }
  const dangers = risks(draft, protocol).filter((risk) => risk.field === 'protocol')
  const refusal = save.error ?? testDraft.error

  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        testDraft.reset()
        // The server takes it without one, for scripts that give it later; who sits here has forgotten it.
        if (!connection && fields.some(({ name }) => name === 'password') && !draft.values.password) {
          save.reset()
          wrong({ password: 'Type the password, or choose another way to log in.' })
          return
        }
        save.mutate({ draft, protocol }, { onError: (error) => refused(error, protocol) })
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
                      data={groups}
                      error={errors.group}
                      autoComplete="off"
                    />
                  </Grid.Col>
                </Grid>
                <ProtocolField
                  protocols={protocols}
                  small={connection !== undefined}
                  value={draft.protocol}
                  onChange={(name) => {
                    const next = protocols.find((known) => known.name === name)
                    if (next) replace(withProtocol(draft, next))
                  }}
                />
                {dangers.map((risk) => (
                  <RiskAlert key={risk.title} risk={risk} />
                ))}
                <Fields fields={essentials(false)} input={input} />
                {moved && <Moved connection={connection} />}
              </Stack>
            </Section>
            {essentials(true).length > 0 && (
              <Section title="Login">
                <Fields fields={essentials(true)} input={input} />
                {left.length > 0 && (
                  <Alert color="orange" role="status" mt="sm">
                    This login needs no{' '}
                    {left.map((name) => fieldLabel(name, protocol.name).toLowerCase()).join(' and no ')}: saving forgets
                    the stored one.
                  </Alert>
                )}
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
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Box pos={{ md: 'sticky' }} top={{ md: 68 }}>
            <Stack gap="md">
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
                        testDraft.reset()
                      }
                    : onCancel
                }
                cancel={connection ? 'Undo changes' : 'Cancel'}
              />
              {newer && changed && !save.isPending && (
                <ChangedMeanwhile
                  onDrop={() => begin(newer)}
                  saving="Only what you have changed yourself is saved over that."
                />
              )}
              {refusal && (
                <Refusal error={refusal} open={(field) => field in errors} shown={fields} protocol={protocol} />
              )}
              <div ref={outcome} style={{ scrollMarginTop: 60 }}>
                <Outcome
                  testing={test.isPending}
                  {...(saved ? { error: testSaved.error } : {})}
                  {...(test.data ? { result: test.data } : {})}
                  draft={draft}
                  onChange={set}
                  saved={saved}
                  outdated={test === testDraft && testDraft.variables?.draft !== draft}
                  files={protocol.moves_files}
                  authMethod={protocol.auth_methods.find((known) => known === draft.values.auth_method)}
                  trusted={moved ? undefined : latest?.stored_host_fingerprint}
                />
              </div>
            </Stack>
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
