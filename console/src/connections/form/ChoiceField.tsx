import { Group, Radio, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Help } from '../../ui/Help'

type Choice = {
  value: string
  label: string
  help?: string | undefined
  mark?: ReactNode
  /** Why it can't be chosen. */
  locked?: string | undefined
}

type Props = {
  name: string
  label: string
  help?: string | undefined
  choices: Choice[]
  value: string | undefined
  onChange: (value: string) => void
  error?: string | undefined
  required?: boolean
}

/** One of a few, each with what it means: what is chosen here should be understood before. */
export function ChoiceField({ name, label, help, choices, value, onChange, error, required }: Props) {
  return (
    <Radio.Group
      name={name}
      label={label}
      description={help && <Help text={help} />}
      value={value ?? null}
      onChange={onChange}
      error={error}
      withAsterisk={required}
    >
      <Stack gap="xs" mt="xs">
        {choices.map((choice) => (
          <Radio
            key={choice.value}
            value={choice.value}
            disabled={Boolean(choice.locked) && value !== choice.value}
            label={
              <Group gap="xs" component="span">
                <Text span size="sm" fw={500}>
                  {choice.label}
                </Text>
                {choice.mark}
              </Group>
            }
            description={
              choice.locked || choice.help ? (
                <>
                  {choice.help && <Help text={choice.help} />} {choice.locked && <b>{choice.locked}</b>}
                </>
              ) : undefined
            }
          />
        ))}
      </Stack>
    </Radio.Group>
  )
}
