import { Alert, Button, Group, List, Paper, Text } from '@mantine/core'
import type { ProblemError } from '../../api/problem'
import type { schemas } from '../../api/types'
import { Problem } from '../../ui/Problem'
import { Section } from '../../ui/Section'
import { fieldLabel } from '../labels'
import type { Field, Protocol } from '../protocols'
import { TestResult } from '../TestResult'
import type { Draft } from './draft'

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

/** The buttons of the form. */
export function Buttons({ missing, testing, onTest, saving, nothing, label, onCancel, cancel }: ButtonsProps) {
  return (
    <Paper withBorder p="sm" radius="md">
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

type RefusalProps = { error: ProblemError; open: (field: string) => boolean; shown: Field[]; protocol: Protocol }

/**
 * What the server said against it: field by field where it named them, as they are called here, until they are changed.
 */
export function Refusal({ error, open, shown, protocol }: RefusalProps) {
  const known = ['name', 'group', 'notes', ...shown.map(({ name }) => name)]
  if (error.fields.length === 0 || !error.fields.every(({ field }) => known.includes(field))) {
    return <Problem error={error} />
  }
  const left = error.fields.filter(({ field }) => open(field))
  if (left.length === 0) return null
  return (
    <Alert color="red" title="Something is missing or wrong" role="alert">
      <List size="sm">
        {left.map(({ field, message }) => (
          <List.Item key={field}>
            <b>{fieldLabel(field, protocol.name)}</b> {message}
          </List.Item>
        ))}
      </List>
    </Alert>
  )
}

type OutcomeProps = {
  testing: boolean
  error?: Error | null
  result?: schemas['TestResult']
  draft: Draft
  saved: boolean
  /** Has the draft been changed since it was tested? */
  outdated: boolean
  /** Does the protocol move files? */
  files: boolean
  authMethod: schemas['AuthMethod'] | undefined
  /** The host key that the saved one trusts. */
  trusted: string | null | undefined
  onChange: (name: string, value: unknown) => void
}

/** What the last test found out, or what one is for. */
export function Outcome(props: OutcomeProps) {
  const { testing, error, result, saved, outdated, files, draft, authMethod, trusted, onChange } = props
  if (error) return <Problem error={error} />
  if (result && !testing) {
    return (
      <TestResult
        result={result}
        outdated={outdated}
        authMethod={authMethod}
        trusted={trusted}
        accepted={draft.values.tls_pinned_thumbprint ?? draft.values.stored_host_fingerprint}
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
        {testing ? `${files ? 'Connecting, logging in, and listing the base folder' : 'Asking'}…` : about(saved, files)}
      </Text>
    </Section>
  )
}

function about(saved: boolean, files: boolean): string {
  const does = files
    ? 'A test connects, logs in and lists the base folder'
    : 'A test asks the function app, the service principal’s login and the workspace'
  return saved
    ? `${does}. It shows who the server is and what it can do.`
    : `Test before you save. ${does}, and says what is wrong if it can’t. Nothing is kept.`
}
