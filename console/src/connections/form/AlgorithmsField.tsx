import { Badge, Button, Collapse, Group, Input, MultiSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { schemas } from '../../api/types'
import { choiceLabel } from '../labels'
import type { Field } from '../protocols'
import { ChoiceField } from './ChoiceField'

type Lists = 'key_exchange' | 'encryption' | 'mac' | 'host_key'

const lists: [Lists, string][] = [
  ['key_exchange', 'Key exchange'],
  ['encryption', 'Ciphers'],
  ['mac', 'Message authentication codes'],
  ['host_key', 'Host key signatures'],
]

type Props = {
  field: Field
  label: string
  known: schemas['KnownAlgorithms']
  value: unknown
  onChange: (value: unknown) => void
  error?: string | undefined
}

/** A preset for most, and the four lists (specification 6.14) for those who know what their partner’s server wants. */
export function AlgorithmsField({ field, label, known, value, onChange, error }: Props) {
  const chosen: schemas['SshAlgorithms'] = typeof value === 'object' && value !== null ? value : {}
  const own = lists.some(([list]) => chosen[list])
  const [expert, setExpert] = useState(own)
  const set = (changes: schemas['SshAlgorithms']) => {
    const next = Object.fromEntries(Object.entries({ ...chosen, ...changes }).filter(([, given]) => given))
    onChange(Object.keys(next).length > 0 ? next : undefined)
  }
  return (
    <Stack gap="xs">
      <ChoiceField
        name={field.name}
        label={label}
        help="Which algorithms are offered to the server; the best that both know is taken."
        choices={known.presets.map((preset) => ({
          value: preset.name,
          label: choiceLabel(preset.name),
          help: preset.help,
          mark: preset.name === 'legacy' && (
            <Badge color="orange" size="sm">
              Weak
            </Badge>
          ),
        }))}
        value={chosen.preset ?? 'default'}
        onChange={(preset) => set({ preset: preset === 'default' ? undefined : preset })}
        error={error}
      />
      <div>
        <Button size="compact-sm" variant="subtle" onClick={() => setExpert(!expert)} aria-expanded={expert}>
          {expert ? 'Hide the lists' : 'Choose the algorithms one by one'}
        </Button>
      </div>
      <Collapse expanded={expert}>
        <Stack gap="sm">
          <Input.Description>
            A list that is given replaces that of the preset; the order is the order of preference. Weak ones are
            marked.
          </Input.Description>
          {lists.map(([list, title]) => (
            <Algorithms
              key={list}
              label={title}
              known={known[list]}
              value={chosen[list] ?? []}
              onChange={(names) => set({ [list]: names.length > 0 ? names : undefined })}
            />
          ))}
        </Stack>
      </Collapse>
    </Stack>
  )
}

type ListProps = {
  label: string
  known: schemas['KnownAlgorithm'][]
  value: string[]
  onChange: (names: string[]) => void
}

function Algorithms({ label, known, value, onChange }: ListProps) {
  const weak = new Map(known.flatMap((algorithm) => (algorithm.weak ? [[algorithm.name, algorithm.weak]] : [])))
  return (
    <MultiSelect
      label={label}
      data={known.map(({ name }) => ({ value: name, label: weak.has(name) ? `${name} (weak)` : name }))}
      value={value}
      onChange={onChange}
      placeholder={value.length > 0 ? undefined : 'As the preset has it'}
      searchable
      clearable
      hidePickedOptions
      renderOption={({ option }) => (
        <Group gap="xs">
          <Text size="sm">{option.value}</Text>
          {weak.has(option.value) && (
            <Text size="xs" c="orange">
              weak: {weak.get(option.value)}
            </Text>
          )}
        </Group>
      )}
    />
  )
}
