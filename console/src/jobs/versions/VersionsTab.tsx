import { Alert, Anchor, Badge, Button, Group, Stack, Table, VisuallyHidden } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { api, read } from '../../api/client'
import { useAction } from '../../api/query'
import type { schemas } from '../../api/types'
import { Only } from '../../auth/session'
import { Confirm } from '../../ui/Confirm'
import { Fixed } from '../../ui/Fixed'
import { useFilters } from '../../ui/filters'
import { Loading } from '../../ui/Loading'
import { Problem } from '../../ui/Problem'
import { Scroll } from '../../ui/Scroll'
import { Section } from '../../ui/Section'
import { Time } from '../../ui/Time'

const Comparison = lazy(() => import('./Comparison'))

type Version = schemas['JobVersion']

/** How a job was: any two of its versions side by side, and any old one made the newest again. */
export default function VersionsTab({ job }: { job: schemas['Job'] }) {
  const versions = useQuery({
    queryKey: ['jobs', job.id, 'versions', job.version],
    queryFn: async () => (await read(api.GET('/api/jobs/{id}/versions', { params: { path: { id: job.id } } }))).items,
  })
  if (versions.error && !versions.data) return <Problem error={versions.error} retry={() => void versions.refetch()} />
  if (!versions.data) return <Loading />
  return <Known job={job} versions={versions.data} />
}

function Known({ job, versions }: { job: schemas['Job']; versions: Version[] }) {
  const { values, set } = useFilters('from', 'to')
  const numbered = (text: string | undefined) => versions.find(({ version }) => String(version) === text)
  const to = numbered(values.to) ?? versions[0]
  const from = numbered(values.from) ?? versions.find(({ version }) => to && version < to.version)
  return (
    <Stack gap="md">
      {from && to ? (
        <Suspense fallback={<Loading />}>
          <Comparison versions={versions} from={from} to={to} onChange={set} />
        </Suspense>
      ) : (
        <Alert color="gray" title="There is one version only">
          Each time that the job is changed there is one more, and what changed can be seen here.
        </Alert>
      )}
      <Section title="All versions" flush>
        <Scroll label="Versions" minWidth={320}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Version</Table.Th>
              <Table.Th>Saved</Table.Th>
              <Table.Th visibleFrom="sm">By</Table.Th>
              <Table.Th>
                <VisuallyHidden>Actions</VisuallyHidden>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {versions.map((version) => (
              <Table.Tr key={version.version}>
                <Fixed>
                  {version.version} {version.version === job.version && <Badge variant="light">now</Badge>}
                </Fixed>
                <Fixed>
                  <Time at={version.created_at} />
                </Fixed>
                <Table.Td fz="sm" visibleFrom="sm">
                  {version.created_by}
                </Table.Td>
                <Table.Td fz="sm">
                  <Group gap="sm" justify="flex-end">
                    {version.version > 1 && (
                      <Anchor
                        component="button"
                        type="button"
                        inherit
                        aria-label={`What changed with version ${version.version}`}
                        onClick={() => set({ from: String(version.version - 1), to: String(version.version) })}
                      >
                        What changed
                      </Anchor>
                    )}
                    {version.version !== job.version && (
                      <Only role="operator">
                        <Restore job={job} version={version} />
                      </Only>
                    )}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Scroll>
      </Section>
    </Stack>
  )
}

/** Makes what an old version says the newest one. */
function Restore({ job, version }: { job: schemas['Job']; version: Version }) {
  const [asking, setAsking] = useState(false)
  const { set } = useFilters('from', 'to')
  const restore = useAction({
    run: () => read(api.PUT('/api/jobs/{id}', { params: { path: { id: job.id } }, body: version.definition })),
    changes: [['jobs']],
    done: (saved) => `Version ${saved.version} says what version ${version.version} said`,
    onDone: () => {
      setAsking(false)
      set({ from: null, to: null })
    },
    quiet: true,
  })
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        aria-label={`Restore version ${version.version}`}
        onClick={() => setAsking(true)}
      >
        Restore
      </Button>
      <Confirm
        opened={asking}
        onClose={() => setAsking(false)}
        title={`Restore version ${version.version}?`}
        action="Restore"
        color="blue"
        busy={restore.isPending}
        onConfirm={() => restore.mutate()}
      >
        The job becomes what it was then, as version {job.version + 1}. Version {job.version} stays here, and what runs
        goes on with the version that it began with.
        {version.definition.enabled !== job.enabled &&
          (version.definition.enabled
            ? ' It was enabled then: it will run by its schedules again.'
            : ' It was not enabled then: it will not run until you enable it.')}
        {restore.error && <Problem error={restore.error} />}
      </Confirm>
    </>
  )
}
