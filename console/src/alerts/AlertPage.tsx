import { Alert, Badge, Button, Grid, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Trash2, TriangleAlert } from 'lucide-react'
import { useNavigate, useParams } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { useMay } from '../auth/session'
import { ChangedMeanwhile } from '../ui/ChangedMeanwhile'
import { Confirm } from '../ui/Confirm'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { byUpdate, useBegun } from '../ui/useBegun'
import { AlertForm } from './AlertForm'
import { Deliveries } from './Deliveries'
import { Trial } from './Trial'

const up = { to: '/alerts', label: 'Alerts' }

/** An alert: its form, a test of it, and what became of its messages; `new` makes one. */
export default function AlertPage() {
  const { id = '' } = useParams()
  return id === 'new' ? <New /> : <Saved key={id} id={id} />
}

function New() {
  const navigate = useNavigate()
  const may = useMay('operator')
  return (
    <Page title="New alert" up={up} about="Says of what Courier tells, and whom.">
      {may ? (
        <AlertForm onSaved={(alert) => void navigate(`/alerts/${alert.id}`, { replace: true })} />
      ) : (
        <Text size="sm">Operators and admins make alerts.</Text>
      )}
    </Page>
  )
}

function Saved({ id }: { id: string }) {
  const query = useQuery({
    queryKey: ['alerts', id],
    queryFn: () => read(api.GET('/api/alerts/{id}', { params: { path: { id } } })),
  })
  if (query.data) return <Known alert={query.data} />
  return (
    <Page title="Alert" up={up}>
      {query.error ? <Problem error={query.error} retry={() => void query.refetch()} /> : <Loading />}
    </Page>
  )
}

function Known({ alert }: { alert: schemas['Alert'] }) {
  const { begun, setBegun, newer } = useBegun(alert, byUpdate)
  return (
    <Page
      title={alert.name}
      up={up}
      marks={!alert.enabled && <Badge color="gray">Off</Badge>}
      actions={<Delete alert={alert} />}
    >
      {alert.warnings.map((warning) => (
        <Alert key={warning} color="orange" icon={<TriangleAlert size={18} aria-hidden />}>
          {warning.charAt(0).toUpperCase() + warning.slice(1)}.
        </Alert>
      ))}
      {newer && <ChangedMeanwhile onDrop={() => setBegun(newer)} />}
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <AlertForm key={begun.updated_at} alert={begun} onSaved={setBegun} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Stack gap="md">
            {/* What a test has shown is about what was saved then. */}
            <Trial key={alert.updated_at} alert={alert} />
            <Deliveries id={alert.id} />
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  )
}

function Delete({ alert }: { alert: schemas['Alert'] }) {
  const navigate = useNavigate()
  const [opened, { open, close }] = useDisclosure()
  const remove = useAction({
    run: () => read(api.DELETE('/api/alerts/{id}', { params: { path: { id: alert.id } } })),
    changes: [['alerts'], ['overview']],
    gone: () => alert.id,
    done: `${alert.name} is deleted`,
    onDone: () => void navigate('/alerts'),
  })
  return (
    <>
      <Button variant="light" color="red" size="xs" leftSection={<Trash2 size={14} aria-hidden />} onClick={open}>
        Delete
      </Button>
      <Confirm
        opened={opened}
        onClose={close}
        title={`Delete ${alert.name}?`}
        action="Delete"
        typed={alert.name}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        Nobody is told of these things by it any more. What it has not sent yet, it won’t send.
      </Confirm>
    </>
  )
}
