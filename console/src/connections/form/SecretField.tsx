import { Button, Group, Input, PasswordInput, Text, Textarea } from '@mantine/core'
import { LockKeyhole } from 'lucide-react'
import { useState } from 'react'
import { Help } from '../../ui/Help'
import { Time } from '../../ui/Time'
import type { Field } from '../protocols'

type Props = {
  field: Field
  label: string
  /** Is one stored? */
  stored: boolean
  /** When the stored one ends, if it does. */
  ends?: string | null | undefined
  /** `undefined`: what is stored stays; `null`: it goes. */
  value: unknown
  onChange: (value: string | null | undefined) => void
  error?: string | undefined
}

/** A secret is typed once and never shown again: it is set, replaced or removed. */
export function SecretField({ field, label, stored, ends, value, onChange, error }: Props) {
  const [replacing, setReplacing] = useState(false)
  const typed = typeof value === 'string' ? value : ''
  if (stored && !replacing && !typed) {
    const goes = value === null
    return (
      <Input.Wrapper label={label} labelElement="div" description={<Help text={field.help} />} error={error}>
        <Group gap="xs" mt={4}>
          <LockKeyhole size={16} aria-hidden />
          <Text size="sm">
            {goes ? 'Is removed when you save.' : 'Is set.'}
            {!goes && ends && (
              <>
                {' It ends '}
                <Time at={ends} />.
              </>
            )}
          </Text>
          {goes ? (
            <Button size="compact-sm" variant="default" onClick={() => onChange(undefined)}>
              Keep it
            </Button>
          ) : (
            <>
              <Button
                size="compact-sm"
                variant="default"
                aria-label={`Replace: ${label}`}
                onClick={() => setReplacing(true)}
              >
                Replace
              </Button>
              {!field.required && (
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={`Remove: ${label}`}
                  onClick={() => onChange(null)}
                >
                  Remove
                </Button>
              )}
            </>
          )}
        </Group>
      </Input.Wrapper>
    )
  }
  const shared = {
    label,
    description: <Help text={field.help} />,
    error,
    name: field.name,
    withAsterisk: field.required,
    value: typed,
    autoFocus: replacing,
  }
  const changed = (text: string) => onChange(text || undefined)
  return (
    <div>
      {field.type === 'long_secret' ? (
        <Textarea
          {...shared}
          onChange={(event) => changed(event.currentTarget.value)}
          autosize
          minRows={3}
          maxRows={8}
          autoComplete="off"
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        />
      ) : (
        <PasswordInput
          {...shared}
          onChange={(event) => changed(event.currentTarget.value)}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': `Show: ${label}` }}
        />
      )}
      {replacing && (
        <Button
          size="compact-sm"
          variant="subtle"
          mt={4}
          onClick={() => {
            setReplacing(false)
            onChange(undefined)
          }}
        >
          Keep the stored one
        </Button>
      )}
    </div>
  )
}
