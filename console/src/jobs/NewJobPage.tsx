import { useQuery } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useMay } from '../auth/session'
import { Empty } from '../ui/Empty'
import { useFilters } from '../ui/filters'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { draftOf, emptyDraft, inputOf } from './draft'
import { JobEditor } from './JobEditor'

/** Makes a job, from nothing or from another one. */
export default function NewJobPage() {
  const { values } = useFilters('from')
  const navigate = useNavigate()
  const may = useMay('operator')
  const id = values.from
  const other = useQuery({
    queryKey: ['jobs', id],
    queryFn: () => read(api.GET('/api/jobs/{id}', { params: { path: { id: id ?? '' } } })),
    enabled: Boolean(id),
  })
  const begun = other.data
    ? { ...draftOf(other.data), name: `Copy of ${other.data.name}`, enabled: false }
    : !id && emptyDraft
  return (
    <Page
      title="New job"
      up={{ to: '/jobs', label: 'Jobs' }}
      about={
        other.data && 'A copy is not enabled, so that nothing is done twice. Enable it when it says what it should.'
      }
    >
      {!may ? (
        <Empty title="Jobs are made by operators">You can look at all of them, and at what they have done.</Empty>
      ) : begun ? (
        <JobEditor
          initial={begun}
          fresh
          verb="Make the job"
          save={(draft) => read(api.POST('/api/jobs', { body: inputOf(draft) }))}
          onSaved={(job) => void navigate(`/jobs/${job.id}`)}
        />
      ) : other.error ? (
        <Problem error={other.error} retry={() => void other.refetch()} />
      ) : (
        <Loading />
      )}
    </Page>
  )
}
