import { Autocomplete, Checkbox, NumberInput, Stack } from '@mantine/core'
import type { schemas } from '../../api/types'
import { Help } from '../../ui/Help'
import { SettingInput } from '../../ui/SettingInput'
import { choiceLabel, choiceMeaning, fieldLabel } from '../labels'
import type { Field, Protocol } from '../protocols'
import { useTrustRules } from '../trust'
import { AlgorithmsField } from './AlgorithmsField'
import { ChoiceField } from './ChoiceField'
import { type Draft, defaultPort, effective, hasSecret, isRequired, isSecret } from './draft'
import { KeysField } from './KeysField'
import { RiskAlert } from './RiskAlert'
import { risks } from './risks'
import { SecretField } from './SecretField'

export type FieldProps = {
  field: Field
  protocol: Protocol
  draft: Draft
  /** The saved connection, where there is one. */
  connection?: schemas['Connection'] | undefined
  /** Do secrets and pins of the saved one go away, because it becomes another server? */
  moved: boolean
  onChange: (name: string, value: unknown) => void
  error?: string | undefined
}

/** The input for a field of a connection, and what is risky about what is chosen there. */
export function FieldInput(props: FieldProps) {
  const { field, draft, protocol } = props
  return (
    <div>
      <Input {...props} />
      {risks(draft, protocol)
        .filter((risk) => risk.field === field.name)
        .map((risk) => (
          <RiskAlert key={risk.title} risk={risk} />
        ))}
    </div>
  )
}

const zones = Intl.supportedValuesOf('timeZone')

function Input({ field, protocol, draft, connection, moved, onChange, error }: FieldProps) {
  const { admin } = useTrustRules()
  const label = fieldLabel(field.name, protocol.name)
  const value = draft.values[field.name]
  const set = (next: unknown) => onChange(field.name, next)
  const text = typeof value === 'string' ? value : ''
  if (isSecret(field)) {
    return (
      <SecretField
        // Once it is saved, or would be for another server, nothing is being replaced any more.
        key={`${moved} ${connection?.updated_at}`}
        field={field}
        label={label}
        stored={!moved && hasSecret(connection, field.name)}
        ends={field.name === 'client_certificate' ? connection?.client_certificate_not_after : undefined}
        value={value}
        onChange={set}
        error={error}
      />
    )
  }
  if (field.type === 'keys') {
    const { name, host, username } = draft.values
    const words = (given: unknown) => (typeof given === 'string' ? given : undefined)
    const port = effective(draft, protocol, 'port')
    return (
      <KeysField
        field={field}
        label={label}
        value={value}
        onChange={set}
        error={error}
        suggested={words(name) ? `${words(name)} key` : ''}
        login={{ host: words(host), username: words(username), port: typeof port === 'number' ? port : undefined }}
        shown={!connection}
      />
    )
  }
  if (field.name === 'ssh_algorithms' && protocol.algorithms) {
    return (
      <AlgorithmsField
        field={field}
        label={label}
        known={protocol.algorithms}
        value={value}
        onChange={set}
        error={error}
      />
    )
  }
  if (field.name === 'port') {
    return (
      <NumberInput
        label={label}
        description={`${defaultPort(draft, protocol)} if empty.`}
        name={field.name}
        value={typeof value === 'number' ? value : ''}
        onChange={(next) => set(next === '' ? undefined : Number(next))}
        min={field.min ?? 1}
        max={field.max ?? 65_535}
        allowDecimal={false}
        placeholder={String(defaultPort(draft, protocol) ?? '')}
        error={error}
        hideControls
      />
    )
  }
  if (field.name === 'server_timezone') {
    return (
      <Autocomplete
        label={label}
        description={<Help text={field.help} />}
        name={field.name}
        value={text}
        onChange={(next) => set(next || undefined)}
        placeholder={String(field.default ?? '')}
        data={zones}
        limit={30}
        error={error}
        autoComplete="off"
      />
    )
  }
  if (field.type === 'choice' || field.name === 'auth_method') {
    return <Choices {...{ field, protocol, draft, set, error, label }} />
  }
  if (field.type === 'text_list' && field.choices) {
    return (
      <Checkbox.Group
        label={label}
        description={<Help text={field.help} />}
        value={Array.isArray(value) ? value.map(String) : []}
        onChange={(next) => set(next.length > 0 ? next : undefined)}
        error={error}
      >
        <Stack gap="xs" mt="xs">
          {field.choices.map((choice) => (
            <Checkbox
              key={choice}
              value={choice}
              label={field.choices_help[choice] ?? choice}
              description={field.choices_help[choice] && choice}
              name={field.name}
            />
          ))}
        </Stack>
      </Checkbox.Group>
    )
  }
  return (
    <SettingInput
      setting={{ ...field, kind: field.type, required: isRequired(field, draft, protocol) }}
      label={label}
      value={value}
      onChange={set}
      error={error}
      disabled={field.name === 'fips_override' && !admin}
    />
  )
}

type ChoicesProps = Pick<FieldProps, 'field' | 'protocol' | 'draft' | 'error'> & {
  label: string
  set: (value: unknown) => void
}

function Choices({ field, protocol, draft, set, error, label }: ChoicesProps) {
  const rules = useTrustRules()
  const insecure = (choice: string) => choice === 'always_trust' || choice === 'insecure'
  const names = (field.choices ?? protocol.auth_methods).toSorted((a, b) => Number(insecure(a)) - Number(insecure(b)))
  const meaning = (choice: string) => field.choices_help[choice] ?? choiceMeaning(choice)
  const open = field.name !== 'auth_method' && !field.required && (field.default ?? undefined) === undefined
  const locked = (choice: string) => {
    if (!insecure(choice)) return undefined
    if (rules.fips) return 'Not allowed in FIPS mode.'
    return rules.mayTrustBlindly ? undefined : 'Only an admin may choose it.'
  }
  const current = effective(draft, protocol, field.name)
  return (
    <ChoiceField
      name={field.name}
      label={label}
      // Choices that say what they mean need nothing above them.
      help={names.some(meaning) ? undefined : field.help}
      choices={[
        ...(open ? [{ value: '', label: field.name === 'ftps_mode' ? 'As the port says' : 'Not set' }] : []),
        ...names.map((choice) => ({
          value: choice,
          label: choiceLabel(choice),
          help: meaning(choice),
          locked: locked(choice),
        })),
      ]}
      value={typeof current === 'string' ? current : open ? '' : undefined}
      onChange={(choice) => set(choice || undefined)}
      error={error}
      required={field.required}
    />
  )
}
