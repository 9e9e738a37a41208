import { Alert, Button, Code, List, Modal, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { ShieldAlert, ShieldCheck } from 'lucide-react'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Only } from '../auth/session'
import { counted, words } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { Time } from '../ui/Time'

/** Lets an admin have the whole log looked at: is every entry as it was written, and is none missing? */
export function Verify() {
  const [opened, { open, close }] = useDisclosure()
  const verify = useAction({ run: () => read(api.GET('/api/audit/verify')), changes: [], quiet: true })
  const start = () => {
    open()
    verify.mutate()
  }
  return (
    <Only role="admin">
      <Button
        variant="default"
        size="xs"
        leftSection={<ShieldCheck size={14} aria-hidden />}
        onClick={start}
        loading={verify.isPending}
      >
        Verify the log
      </Button>
      <Modal opened={opened} onClose={close} title="Verification of the audit log" size="lg">
        <div aria-live="polite">
          {verify.isPending && (
            <>
              <Loading />
              <Text size="sm" ta="center">
                Every entry is read. That takes about ten seconds for a million of them.
              </Text>
            </>
          )}
          {verify.error && <Problem error={verify.error} retry={() => verify.mutate()} />}
          {verify.data && <Report report={verify.data} />}
        </div>
      </Modal>
    </Only>
  )
}

function Report({ report }: { report: schemas['AuditReport'] }) {
  const seen = `${counted(report.records, 'entry', 'entries')} in ${counted(report.chains, 'chain')}`
  if (report.ok) {
    return (
      <Alert color="green" icon={<ShieldCheck size={20} />} title="The log is whole">
        All {seen} are as they were written, and none is missing.
      </Alert>
    )
  }
  return (
    <Stack gap="sm">
      <Alert color="red" icon={<ShieldAlert size={20} />} title="The log is not as it was written">
        {seen} are as they were written. In {counted(report.findings.length, 'chain')} something is wrong; the first of
        it is below.
      </Alert>
      <Stack gap="xs">
        {report.findings.map((finding) => (
          <Finding key={`${finding.chain}-${finding.seq}`} finding={finding} />
        ))}
      </Stack>
      <Text size="sm" fw={600}>
        What to do now
      </Text>
      <List size="sm" type="ordered">
        <List.Item>
          Change nothing: no clean-up, no retention. Copy the database, “audit-seal” and the server’s log.
        </List.Item>
        <List.Item>
          What stands before the finding in its chain can be trusted; read what stands behind it with care.
        </List.Item>
        <List.Item>Restore the last backup into another folder, export both logs and compare them.</List.Item>
        <List.Item>
          Find out who can write the database: its accounts, its administrators, root on its machine.
        </List.Item>
      </List>
    </Stack>
  )
}

function Finding({ finding }: { finding: schemas['AuditFinding'] }) {
  return (
    <Alert color="red" variant="outline" title={words(finding.what)}>
      <Text size="sm">{finding.message}</Text>
      <Text size="sm">
        Entry {finding.seq}
        {finding.operation && ` (${words(finding.operation)})`}
        {finding.performed_at && (
          <>
            {' '}
            of <Time at={finding.performed_at} as="full" />
          </>
        )}
        {finding.chain && (
          <>
            {' '}
            in the chain <Code>{finding.chain}</Code>
          </>
        )}
      </Text>
    </Alert>
  )
}
