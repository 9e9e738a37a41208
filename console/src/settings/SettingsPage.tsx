import { Anchor, Divider, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Fragment } from 'react'
import { api, read } from '../api/client'
import { useSettings } from '../api/lists'
import type { schemas } from '../api/types'
import { useMay } from '../auth/session'
import { Help } from '../ui/Help'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { grouped, labelOf } from './names'
import { SettingForm, wordsOf } from './SettingForm'

type Setting = schemas['Setting']

/** What holds for the whole server. Only admins change it; others see how it is. */
export default function SettingsPage() {
  const admin = useMay('admin')
  const settings = useSettings()
  return (
    <Page
      title="Settings"
      about={
        admin
          ? 'What holds for the whole server. Each change is saved by itself, and audited.'
          : 'What holds for the whole server. An admin can change it.'
      }
    >
      {settings.data ? (
        grouped(settings.data).map((group) => (
          <Section key={group.prefix} title={group.title} about={group.about}>
            <Stack gap="md">
              {group.settings.map((setting, index) => (
                <Fragment key={setting.key}>
                  {index > 0 && <Divider />}
                  {admin ? <SettingForm setting={setting} all={settings.data} /> : <Shown setting={setting} />}
                </Fragment>
              ))}
            </Stack>
          </Section>
        ))
      ) : settings.error ? (
        <Problem error={settings.error} retry={() => void settings.refetch()} />
      ) : (
        <Loading />
      )}
      <Server />
    </Page>
  )
}

function Shown({ setting }: { setting: Setting }) {
  const value = setting.secret ? (setting.has_value ? 'set, and never shown' : 'not set') : wordsOf(setting.value)
  return (
    <div>
      <Group justify="space-between" gap="xs" maw="80ch">
        <Text size="sm" fw={500}>
          {labelOf(setting.key)}
        </Text>
        <Text size="sm">{value}</Text>
      </Group>
      <Text size="xs" c="dimmed" maw="80ch">
        <Help text={setting.help} />
      </Text>
    </div>
  )
}

/** Which server this is, and what runs there. */
function Server() {
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => read(api.GET('/api/overview')) })
  if (!overview.data) return null
  return (
    <Section title="This server">
      <Text size="sm">
        Courier {overview.data.version}, on the node <b>{overview.data.node}</b>.
      </Text>
      <Text size="sm" mt="xs">
        Its address, its certificate and its database are set by the command line and the environment, where it is
        started; all that the console does, a script can do by the{' '}
        <Anchor href="/api/docs/" target="_blank" underline="always">
          API
        </Anchor>
        .
      </Text>
    </Section>
  )
}
