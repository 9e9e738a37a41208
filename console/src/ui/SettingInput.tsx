import { JsonInput, NumberInput, PasswordInput, Select, Switch, TagsInput, Textarea, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import { words } from './format'
import { Help } from './Help'

/** A setting that describes itself, as the API gives it: for step types, protocols and the whole system. */
export type SettingDescription = {
  name: string
  kind: string
  required?: boolean
  default?: unknown
  choices?: string[] | null
  min?: number | null
  max?: number | null
  help: string
}

type Props = {
  setting: SettingDescription
  /** By default the setting's name in words. */
  label?: string
  /** `undefined` where it isn't set, so that the default counts. */
  value: unknown
  onChange: (value: unknown) => void
  error?: string | undefined
  disabled?: boolean
}

/** The input for a setting, by its kind. */
export function SettingInput({ setting, label, value, onChange, error, disabled }: Props) {
  const shared = {
    label: label ?? words(setting.name),
    description: <Help text={setting.help} />,
    error,
    disabled,
    withAsterisk: setting.required,
    name: setting.name,
  }
  const fallback = setting.default ?? undefined
  const placeholder = fallback === undefined ? undefined : String(fallback)
  switch (setting.kind) {
    case 'bool':
      return (
        <Switch
          label={shared.label}
          description={shared.description}
          error={error}
          disabled={disabled}
          name={setting.name}
          checked={Boolean(value ?? fallback ?? false)}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      )
    case 'integer':
      return (
        <NumberInput
          {...shared}
          value={typeof value === 'number' ? value : ''}
          onChange={(next) => onChange(next === '' ? undefined : Number(next))}
          min={setting.min ?? undefined}
          max={setting.max ?? undefined}
          allowDecimal={false}
          placeholder={placeholder}
          thousandSeparator
        />
      )
    case 'choice':
      return (
        <Select
          {...shared}
          data={(setting.choices ?? []).map((choice) => ({ value: choice, label: words(choice) }))}
          value={(value ?? fallback ?? null) as string | null}
          onChange={(next) => onChange(next ?? undefined)}
          clearable={!setting.required && fallback === undefined}
          allowDeselect={false}
        />
      )
    case 'text_list':
      return (
        <TagsInput
          {...shared}
          data={setting.choices ?? []}
          value={Array.isArray(value) ? value.map(String) : []}
          onChange={(next) => onChange(next.length > 0 ? next : undefined)}
          placeholder={Array.isArray(fallback) ? fallback.join(', ') : undefined}
        />
      )
    case 'long_text':
      return (
        <Textarea
          {...shared}
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => onChange(event.currentTarget.value || undefined)}
          autosize
          minRows={3}
          maxRows={12}
        />
      )
    case 'secret':
      return (
        <PasswordInput
          {...shared}
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => onChange(event.currentTarget.value || undefined)}
          autoComplete="new-password"
        />
      )
    case 'object':
    case 'json':
      return <ObjectInput {...shared} value={value} onChange={onChange} />
    default:
      return (
        <TextInput
          {...shared}
          value={typeof value === 'string' ? value : value === undefined || value === null ? '' : String(value)}
          onChange={(event) => onChange(event.currentTarget.value || undefined)}
          placeholder={placeholder}
          autoComplete="off"
          spellCheck={false}
        />
      )
  }
}

type ObjectProps = Omit<Props, 'setting' | 'label'> & {
  label: string
  description: ReactNode
  withAsterisk?: boolean
  name: string
}

function ObjectInput({ value, onChange, error, ...shared }: ObjectProps) {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value, null, 2)
  return (
    <JsonInput
      {...shared}
      error={error ?? (typeof value === 'string' ? 'This is not JSON yet.' : undefined)}
      value={text}
      // While it is being typed it is text; the server is only ever given what it means.
      onChange={(next) => onChange(parsed(next))}
      autosize
      minRows={3}
      maxRows={16}
    />
  )
}

function parsed(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
