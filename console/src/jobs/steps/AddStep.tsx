import { Button, Group, Modal, NavLink, ScrollArea, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Plus, Search } from 'lucide-react'
import { useState } from 'react'
import { Help } from '../../ui/Help'
import { grouped, type StepType, stepTitle } from './stepTypes'

type Props = { types: StepType[]; onAdd: (type: StepType) => void; first: boolean }

/** Chooses what the next step does. */
export function AddStep({ types, onAdd, first }: Props) {
  const [opened, { open, close }] = useDisclosure()
  return (
    <>
      <Button
        variant={first ? 'filled' : 'default'}
        size={first ? 'sm' : 'xs'}
        leftSection={<Plus size={14} aria-hidden />}
        onClick={open}
      >
        Add a step
      </Button>
      <Modal opened={opened} onClose={close} title="Add a step" size="lg" scrollAreaComponent={ScrollArea.Autosize}>
        {opened && (
          <Choose
            types={types}
            onAdd={(type) => {
              close()
              onAdd(type)
            }}
          />
        )}
      </Modal>
    </>
  )
}

function Choose({ types, onAdd }: { types: StepType[]; onAdd: (type: StepType) => void }) {
  const [search, setSearch] = useState('')
  const wanted = search.trim().toLowerCase()
  const found = types.filter((type) =>
    [type.step_type, stepTitle(type.step_type), type.help].some((text) => text.toLowerCase().includes(wanted)),
  )
  const groups = grouped(found)
  const [first] = groups[0]?.types ?? []
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (wanted && first) onAdd(first)
      }}
    >
      <Stack gap="sm">
        <TextInput
          type="search"
          label="What should it do?"
          leftSection={<Search size={14} aria-hidden />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          autoComplete="off"
          data-autofocus
        />
        {groups.map(({ place, types }) => (
          <div key={place}>
            <Text size="xs" fw={600} c="dimmed">
              {place === 'Any server' ? 'On any server: SFTP, FTP, FTPS or a local folder' : place}
            </Text>
            {types.map((type) => (
              <NavLink
                key={type.step_type}
                component="button"
                type="button"
                label={
                  <Group gap="xs">
                    <Text size="sm" fw={500}>
                      {stepTitle(type.step_type)}
                    </Text>
                    <Text size="xs" c="dimmed" ff="monospace">
                      {type.step_type}
                    </Text>
                  </Group>
                }
                description={<Help text={type.help} />}
                onClick={() => onAdd(type)}
              />
            ))}
          </div>
        ))}
        {groups.length === 0 && <Text size="sm">No step does that.</Text>}
      </Stack>
    </form>
  )
}
