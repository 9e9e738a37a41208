import { SegmentedControl, Stack } from '@mantine/core'
import { lazy, Suspense } from 'react'
import type { schemas } from '../api/types'
import { useFilters } from '../ui/filters'
import { Loading } from '../ui/Loading'
import { draftOf } from './draft'

const JobText = lazy(() => import('./text/JobText'))

/** All of a job as text, for those who may look at it only. */
export default function DefinitionTab({ job }: { job: schemas['Job'] }) {
  const { values, set } = useFilters('view')
  const view = values.view === 'json' ? 'json' : 'yaml'
  return (
    <Stack gap="sm" align="stretch">
      <SegmentedControl
        size="xs"
        aria-label="View"
        data={[
          { value: 'yaml', label: 'YAML' },
          { value: 'json', label: 'JSON' },
        ]}
        value={view}
        onChange={(next) => set({ view: next === 'yaml' ? null : next })}
        style={{ alignSelf: 'flex-start' }}
      />
      <Suspense fallback={<Loading />}>
        <JobText key={`${view} ${job.version}`} language={view} draft={draftOf(job)} />
      </Suspense>
    </Stack>
  )
}
