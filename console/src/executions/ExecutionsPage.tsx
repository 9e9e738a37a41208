import { api, read } from '../api/client'
import { usePages } from '../api/pages'
import { Empty } from '../ui/Empty'
import { useFilters } from '../ui/filters'
import { Loading } from '../ui/Loading'
import { More } from '../ui/More'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { periodTime } from '../ui/period'
import { Section } from '../ui/Section'
import { ExecutionFilters } from './ExecutionFilters'
import { ExecutionTable } from './ExecutionTable'

/** What runs, what ran and how it went, the newest first. */
export default function ExecutionsPage() {
  const { values, set, any } = useFilters(
    'state',
    'job_id',
    'mapping_id',
    'triggered_by',
    'search',
    'since',
    'until',
    'uneventful',
  )
  const executions = usePages(['executions', 'list', values], (cursor) => {
    const uneventful = values.uneventful === 'shown' ? undefined : false
    const query = { ...values, uneventful, since: periodTime(values.since), until: periodTime(values.until), cursor }
    return read(api.GET('/api/executions', { params: { query } }))
  })
  const clear = () =>
    set({
      state: null,
      job_id: null,
      mapping_id: null,
      triggered_by: null,
      search: null,
      since: null,
      until: null,
      uneventful: null,
    })
  return (
    <Page title="Executions" about="The runs of jobs and folder mappings, as they happen.">
      <ExecutionFilters values={values} set={set} clear={any ? clear : undefined} />
      <Section flush>
        {executions.isPending ? (
          <Loading />
        ) : executions.error && executions.items.length === 0 ? (
          <Problem error={executions.error} retry={() => void executions.refetch()} />
        ) : executions.items.length > 0 ? (
          <>
            <ExecutionTable executions={executions.items} />
            <More pages={executions} />
          </>
        ) : any ? (
          <Empty title="No execution fits these filters">
            {values.uneventful !== 'shown' && 'Pulls that found nothing are left out.'}
          </Empty>
        ) : (
          <Empty title="Nothing has run yet">
            Jobs run by their schedules or when somebody starts them; folder mappings pull by themselves, and what they
            pulled stands here. Pulls that found nothing are left out.
          </Empty>
        )}
      </Section>
    </Page>
  )
}
