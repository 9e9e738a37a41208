import { Alert, Button, Group } from '@mantine/core'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { queryClient } from '../api/query'
import type { schemas } from '../api/types'
import { useBegun } from '../ui/useBegun'
import { draftOf, inputOf } from './draft'
import { JobEditor } from './JobEditor'

/** Changes a job, and says so when it was changed elsewhere meanwhile. */
export default function EditTab({ job }: { job: schemas['Job'] }) {
  const { begun, setBegun, newer } = useBegun(job, ({ version }) => version)
  const navigate = useNavigate()
  return (
    <>
      {newer && (
        <Alert color="yellow" mb="md" title="This job was changed meanwhile" role="alert">
          You began with version {begun.version}, and now there is version {job.version}. What you save replaces it.
          <Group mt="xs" gap="xs">
            <Button size="xs" variant="default" onClick={() => setBegun(job)}>
              Drop my changes and begin with version {job.version}
            </Button>
            <Button
              size="xs"
              variant="default"
              onClick={() => void navigate(`/jobs/${job.id}/versions?from=${begun.version}&to=${job.version}`)}
            >
              See what changed
            </Button>
          </Group>
        </Alert>
      )}
      <JobEditor
        key={begun.version}
        initial={draftOf(begun)}
        verb="Save"
        save={(draft) => read(api.PUT('/api/jobs/{id}', { params: { path: { id: job.id } }, body: inputOf(draft) }))}
        onSaved={(saved) => {
          queryClient.setQueryData(['jobs', saved.id], saved)
          setBegun(saved)
          void navigate(`/jobs/${saved.id}`)
        }}
      />
    </>
  )
}
