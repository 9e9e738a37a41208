import { Alert, Anchor, Badge, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Pencil, Play, Power, Search, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link, Navigate } from 'react-router'
import { api, read } from '../api/client'
import type { schemas } from '../api/types'
import { Only, useMay } from '../auth/session'
import { HealthBadge } from '../ui/badges'
import { Confirm } from '../ui/Confirm'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { AllFolders } from './AllFolders'
import { DryRun } from './DryRun'
import { MappingEditor } from './MappingEditor'
import { MappingFacts } from './MappingFacts'
import { useMappingActions } from './useMappingActions'

type Props = { id: string; connection: schemas['Connection']; edit: boolean }

/** One folder mapping, by its id. */
export function MappingView({ id, connection, edit }: Props) {
  const may = useMay('operator')
  const [edits, setEdits] = useState(0)
  const mapping = useQuery({
    queryKey: ['folder-mappings', { connection: connection.id }, id],
    queryFn: () => read(api.GET('/api/folder-mappings/{id}', { params: { path: { id } } })),
  })
  return (
    <Stack gap="md">
      <AllFolders connection={connection} />
      {mapping.error && <Problem error={mapping.error} retry={() => void mapping.refetch()} />}
      {mapping.isPending && <Loading />}
      {mapping.data && mapping.data.connection_id !== connection.id && (
        <Navigate to={`/connections/${mapping.data.connection_id}/folders?mapping=${id}`} replace />
      )}
      {mapping.data &&
        (edit && may ? (
          <MappingEditor
            key={edits}
            connection={connection}
            mapping={mapping.data}
            onAnew={() => setEdits(edits + 1)}
          />
        ) : (
          <Known mapping={mapping.data} />
        ))}
    </Stack>
  )
}

function Known({ mapping }: { mapping: schemas['FolderMapping'] }) {
  const { run, enable, remove, look } = useMappingActions()
  const [deleting, setDeleting] = useState(false)
  return (
    <>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <Title order={2} size="h3">
            {mapping.name}
          </Title>
          <HealthBadge health={mapping.health} />
          {!mapping.enabled && (
            <Badge color="gray" variant="light">
              Switched off
            </Badge>
          )}
        </Group>
        <Group gap="xs">
          <Button
            variant="default"
            leftSection={<Search size={16} aria-hidden />}
            loading={look.isPending}
            onClick={() => look.mutate(mapping.id)}
          >
            Dry run
          </Button>
          <Only role="operator">
            <Button
              leftSection={<Play size={16} aria-hidden />}
              loading={run.isPending}
              onClick={() => run.mutate(mapping)}
            >
              Run now
            </Button>
            <Button
              variant="default"
              leftSection={<Power size={16} aria-hidden />}
              loading={enable.isPending}
              onClick={() => enable.mutate({ mapping, enabled: !mapping.enabled })}
            >
              {mapping.enabled ? 'Switch off' : 'Switch on'}
            </Button>
            <Button
              component={Link}
              to={`?mapping=${mapping.id}&do=edit`}
              variant="default"
              leftSection={<Pencil size={16} aria-hidden />}
            >
              Edit
            </Button>
            <Button
              variant="subtle"
              color="red"
              leftSection={<Trash2 size={16} aria-hidden />}
              onClick={() => setDeleting(true)}
            >
              Delete
            </Button>
          </Only>
        </Group>
      </Group>
      <State mapping={mapping} />
      {(look.data || look.error) && (
        <Section title="What a pull would take now" about="Nothing was pulled, and nothing was changed on the server.">
          {look.error ? <Problem error={look.error} /> : look.data && <DryRun run={look.data} />}
        </Section>
      )}
      <MappingFacts mapping={mapping} />
      <Confirm
        opened={deleting}
        onClose={() => setDeleting(false)}
        title="Delete the folder mapping?"
        typed={mapping.name}
        action="Delete"
        busy={remove.isPending}
        onConfirm={() => remove.mutate(mapping)}
      >
        Nothing more is pulled from {mapping.remote_path}. What was pulled stays at its destination and in the history:
        if you map the folder again, no file comes twice.
      </Confirm>
    </>
  )
}

/** What somebody should know first: why it doesn't go, or what may not be meant so. */
function State({ mapping }: { mapping: schemas['FolderMapping'] }) {
  const bad = mapping.health === 'failing' || mapping.health === 'requires_attention'
  return (
    <>
      {mapping.health_detail && (
        <Alert
          color={bad ? 'red' : 'yellow'}
          title={
            mapping.health === 'requires_attention' ? 'Somebody has to act' : bad ? 'The last pull failed' : 'Note'
          }
        >
          <Text size="sm">{mapping.health_detail}</Text>
          {mapping.last_execution && (
            <Anchor component={Link} to={`/executions/${mapping.last_execution}`} size="sm">
              See the last pull
            </Anchor>
          )}
        </Alert>
      )}
      {mapping.warnings.map((warning) => (
        <Alert key={warning} color="yellow">
          {warning}
        </Alert>
      ))}
    </>
  )
}
