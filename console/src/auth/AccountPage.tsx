import { Anchor, Kbd, SegmentedControl, SimpleGrid, Stack, Table, Text, useMantineColorScheme } from '@mantine/core'
import { Fragment } from 'react'
import { Link } from 'react-router'
import { useNav } from '../app/nav'
import { words } from '../ui/format'
import { Page } from '../ui/Page'
import { Section } from '../ui/Section'
import { InitialPassword } from './InitialPassword'
import { PasswordForm } from './PasswordForm'
import { aboutRole } from './roles'
import { useMe } from './session'

/** Who is logged in, their password, and how the console looks and is used. */
export default function AccountPage() {
  const me = useMe()
  return (
    <Page title="My account">
      <InitialPassword here />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Stack>
          <Section title={me.username}>
            <Text size="sm">
              <b>{words(me.role)}</b>: {aboutRole(me.role)}
            </Text>
            <Text size="sm" mt="xs">
              For scripts and the command line, make{' '}
              <Anchor component={Link} to="/tokens" underline="always">
                API tokens
              </Anchor>{' '}
              instead of using your password.
            </Text>
          </Section>
          <Section title="Password">
            <PasswordForm />
          </Section>
        </Stack>
        <Stack>
          <Section title="Appearance">
            <Theme />
          </Section>
          <Section title="Keyboard">
            <Shortcuts />
          </Section>
        </Stack>
      </SimpleGrid>
    </Page>
  )
}

const themes = ['auto', 'light', 'dark'] as const

function Theme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <SegmentedControl
      aria-label="Theme"
      value={colorScheme}
      onChange={(next) => setColorScheme(themes.find((theme) => theme === next) ?? 'auto')}
      data={[
        { value: 'auto', label: 'As the system' },
        { value: 'light', label: 'Light' },
        { value: 'dark', label: 'Dark' },
      ]}
    />
  )
}

function Shortcuts() {
  const pages = useNav().flat()
  const keys: { keys: string[]; joined?: string; does: string }[] = [
    { keys: ['Ctrl', 'K'], joined: '+', does: 'Go to a page, a connection or a job by its name' },
    { keys: ['/'], does: 'Search on this page' },
    { keys: ['Esc'], does: 'Close what is open' },
    ...pages.map(({ key, label }) => ({ keys: ['g', key], joined: 'then', does: label })),
  ]
  return (
    <Table verticalSpacing={4} aria-label="Keyboard shortcuts">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Keys</Table.Th>
          <Table.Th>What they do</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {keys.map((shortcut) => (
          <Table.Tr key={shortcut.keys.join(' ')}>
            <Table.Td>
              {shortcut.keys.map((key, index) => (
                <Fragment key={key}>
                  {index > 0 && ` ${shortcut.joined} `}
                  <Kbd>{key}</Kbd>
                </Fragment>
              ))}
            </Table.Td>
            <Table.Td>{shortcut.does}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
