import { Badge, Button, Checkbox, Group, List, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { KeyRound, ShieldAlert } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { schemas } from '../api/types'
import { Confirm } from '../ui/Confirm'
import { Exact } from '../ui/Copy'
import { Problem } from '../ui/Problem'
import { byLastSeen, HostKey } from './KnownHosts'
import { useTrustRules } from './trust'
import { useApprove, useKnownHosts } from './useKnownHosts'

type KnownHost = schemas['KnownHost']

/** A server showed a host key that nobody approved: both side by side, what to do, and the button that decides. */
export function HostKeyPanel({ connection }: { connection: schemas['Connection'] }) {
  const hosts = useKnownHosts(connection.id)
  const { mayApprove } = useTrustRules()
  const [asked, setAsked] = useState<KnownHost>()
  const waiting = (hosts.data ?? []).filter((host) => !host.approved).sort(byLastSeen)
  const pinned = (hosts.data ?? []).filter((host) => host.approved).sort(byLastSeen)
  const changed = pinned.length > 0
  // One that was presented once, and is not the reason that the connection waits, is only listed: without a trusted one only
  // the manual policy waits.
  const manual = connection.host_key_policy === 'manual'
  const waits = waiting.length > 0 && (connection.health === 'requires_attention' || (manual && !changed))
  if (!waits) return null
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-labelledby="host-key">
      <Stack gap="md">
        <Group gap="sm" wrap="nowrap" align="flex-start">
          <ShieldAlert size={24} aria-hidden style={{ flex: 'none' }} />
          <div>
            <Title order={2} size="h4" id="host-key">
              {changed ? 'The server shows another host key' : 'The server’s host key waits for an approval'}
            </Title>
            <Text size="sm">
              {changed
                ? 'Either the partner changed it, or somebody stands between us and the server. Nothing is transferred until an admin has decided.'
                : 'Nobody has said yet that this is the partner’s server. Nothing is transferred until then.'}
            </Text>
          </div>
        </Group>
        <SimpleGrid cols={{ base: 1, sm: changed ? 2 : 1 }} spacing="md">
          {changed && (
            <Side title="Trusted until now" color="gray">
              {pinned.map((host) => (
                <Stack key={host.fingerprint} gap="xs">
                  <HostKey host={host} seen="Last seen" />
                  {mayApprove && (
                    <Group>
                      <Button variant="default" onClick={() => setAsked(host)}>
                        Keep this key
                      </Button>
                    </Group>
                  )}
                </Stack>
              ))}
            </Side>
          )}
          <Side title="Presented now" color="orange">
            {waiting.map((host) => (
              <Stack key={host.fingerprint} gap="xs">
                <HostKey host={host} seen="Presented last" />
                {mayApprove && (
                  <Group>
                    <Button color="red" onClick={() => setAsked(host)} leftSection={<KeyRound size={16} aria-hidden />}>
                      {changed ? 'Trust this key' : 'Approve this key'}
                    </Button>
                  </Group>
                )}
              </Stack>
            ))}
          </Side>
        </SimpleGrid>
        <div>
          <Text size="sm" fw={600}>
            What to do
          </Text>
          <List size="sm" type="ordered" spacing={2}>
            <List.Item>
              Ask the partner by a way that you know from before, such as the telephone: not by an address in a message
              that came just now.
            </List.Item>
            <List.Item>
              Have them read the fingerprint out, and compare it with the one presented, all of it. On the server,{' '}
              <b>ssh-keygen -lf</b> with the key’s file prints it.
            </List.Item>
            <List.Item>
              {mayApprove
                ? 'Is it the same? Then trust it. Is it not? Leave it as it is, and tell your security people. Was the other one a mistake that is put right? Then keep the old one.'
                : 'Tell an admin, who trusts it if it is the same. You may not decide that.'}
            </List.Item>
          </List>
        </div>
      </Stack>
      {asked && <Approve connection={connection} host={asked} pinned={pinned} onClose={() => setAsked(undefined)} />}
    </Paper>
  )
}

function Side({ title, color, children }: { title: string; color: string; children: ReactNode }) {
  return (
    <Paper withBorder p="sm" radius="md">
      <Stack gap="sm">
        <Badge color={color} variant="light">
          {title}
        </Badge>
        {children}
      </Stack>
    </Paper>
  )
}

type ApproveProps = {
  connection: schemas['Connection']
  host: KnownHost
  pinned: KnownHost[]
  onClose: () => void
}

function Approve({ connection, host, pinned, onClose }: ApproveProps) {
  const [add, setAdd] = useState(false)
  const approve = useApprove(connection.id, onClose)
  const keeps = pinned.some((pin) => pin.fingerprint === host.fingerprint)
  const replaced = pinned.filter((pin) => pin.key_type === host.key_type && pin.fingerprint !== host.fingerprint)
  return (
    <Confirm
      opened
      onClose={onClose}
      title={keeps ? 'Keep this host key' : 'Trust this host key'}
      action={keeps ? 'Keep it' : 'Trust it'}
      typed={connection.name}
      busy={approve.isPending}
      onConfirm={() => approve.mutate({ fingerprint: host.fingerprint, add })}
    >
      <Stack gap="sm">
        <Text size="sm">
          From now on passwords and files go to whoever shows this key. Trust it only if the partner told you this
          fingerprint by another way:
        </Text>
        <Exact text={host.fingerprint} copy={false} />
        {replaced.length > 0 && (
          <Checkbox
            label="Keep the one that was trusted until now, too"
            description="For a server behind several machines, or while it is being moved. Otherwise the old one is refused from now on."
            checked={add}
            onChange={(event) => setAdd(event.currentTarget.checked)}
          />
        )}
        {approve.error && <Problem error={approve.error} />}
      </Stack>
    </Confirm>
  )
}
