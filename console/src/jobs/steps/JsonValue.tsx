import { Textarea } from '@mantine/core'
import { useState } from 'react'
import { Help } from '../../ui/Help'
import type { SettingProps } from './StepSetting'

/** A value of any kind: a text as it is typed, or what its JSON says. */
export function JsonValue({ setting, label, value, onChange, error }: SettingProps) {
  const [text, setText] = useState(() => written(value))
  const [said, setSaid] = useState(value)

  // It was changed elsewhere. What is typed here keeps its form.
  if (said !== value) {
    setSaid(value)
    setText(written(value))
  }

  const broken = typeof value === 'string' && /^\s*[[{]/.test(value)
  return (
    <Textarea
      label={label}
      description={
        <>
          <Help text={setting.help} />
          {value !== undefined && ` Now it is ${typeof value === 'string' ? 'a text' : 'JSON'}.`}
        </>
      }
      withAsterisk={setting.required}
      value={text}
      onChange={(event) => {
        const next = parsed(event.currentTarget.value)
        setText(event.currentTarget.value)
        setSaid(next)
        onChange(next)
      }}
      error={error ?? (broken ? 'It begins like JSON, but is none yet: it would be given as a text.' : undefined)}
      autosize
      minRows={3}
      maxRows={16}
      spellCheck={false}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
    />
  )
}

function written(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' && !isJson(value) ? value : JSON.stringify(value, null, 2)
}

function parsed(text: string): unknown {
  if (text.trim() === '') return undefined
  return isJson(text) ? (JSON.parse(text) as unknown) : text
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
