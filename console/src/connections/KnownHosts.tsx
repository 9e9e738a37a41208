import { Stack, Text } from '@mantine/core'
import type { schemas } from '../api/types'
import { Exact } from '../ui/Copy'
import { Problem } from '../ui/Problem'
import { Time } from '../ui/Time'
import { useKnownHosts } from './useKnownHosts'

type KnownHost = schemas['KnownHost']

/** Those that were presented last come first. */
export const byLastSeen = (one: KnownHost, other: KnownHost) =>
  (other.last_seen ?? other.first_seen).localeCompare(one.last_seen ?? one.first_seen)

/** The host keys that are trusted, and those that were presented and are not. */
export function KnownHosts({ connection }: { connection: schemas['Connection'] }) {
  const hosts = useKnownHosts(connection.id)
  const pinned = (hosts.data ?? []).filter((host) => host.approved).sort(byLastSeen)
  const refused = (hosts.data ?? []).filter((host) => !host.approved).sort(byLastSeen)
  if (!hosts.data) return hosts.error && <Problem error={hosts.error} retry={() => void hosts.refetch()} />
  return (
    <Stack gap="md">
      {pinned.length === 0 && (
        <Text size="sm">
          {connection.host_key_policy === 'manual'
            ? 'None yet. A test shows the one that the server presents, for an admin to approve.'
            : connection.host_key_policy === 'always_trust'
              ? 'None. Nothing is compared: whatever key a server presents is accepted.'
              : 'None yet. The first test remembers the one that the server presents.'}
        </Text>
      )}
      {pinned.map((host) => (
        <HostKey key={host.fingerprint} host={host} seen="Last seen" />
      ))}
      {refused.length > 0 && (
        <>
          <Text size="sm" fw={600}>
            Presented, but not trusted
          </Text>
          {refused.map((host) => (
            <HostKey key={host.fingerprint} host={host} seen="Presented last" />
          ))}
        </>
      )}
    </Stack>
  )
}

/** A host key, with when it was seen. */
export function HostKey({ host, seen }: { host: KnownHost; seen: string }) {
  return (
    <Stack gap={2}>
      <Text size="sm" fw={600}>
        {host.key_type ?? 'Type not known yet'}
      </Text>
      <Exact text={host.fingerprint} />
      <Text size="sm">
        First seen <Time at={host.first_seen} />
      </Text>
      <Text size="sm">
        {seen} <Time at={host.last_seen} none="never" />
      </Text>
      {host.approved_by && (
        <Text size="sm">
          {host.approved_by === 'system' ? 'Trusted on first use' : `Approved by ${host.approved_by}`}
        </Text>
      )}
    </Stack>
  )
}
