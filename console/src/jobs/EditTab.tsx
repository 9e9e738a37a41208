import { Box, Button } from '@mantine/core'
import { Link, useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { queryClient } from '../api/query'
import type { schemas } from '../api/types'
import { ChangedMeanwhile } from '../ui/ChangedMeanwhile'
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
        <Box mb="md">
          <ChangedMeanwhile
            onDrop={() => setBegun(newer)}
            saving={`You began with version ${begun.version}, and now there is version ${newer.version}. What you save replaces it.`}
            more={
              <Button
                component={Link}
                to={`/jobs/${job.id}/versions?from=${begun.version}&to=${newer.version}`}
                size="xs"
                variant="default"
              >
                See what changed
              </Button>
            }
          />
        </Box>
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
