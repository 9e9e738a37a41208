import { Spotlight, type SpotlightActionGroupData, spotlight } from '@mantine/spotlight'
import { useQuery } from '@tanstack/react-query'
import { Search } from 'lucide-react'
import { type KeyboardEvent, useState } from 'react'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { protocolName } from '../ui/format'
import { useNav } from './nav'

/** Ctrl K: any page, connection or job by a few letters of its name. */
export function Jump() {
  const navigate = useNavigate()
  const [search, setSearch] = useState('')
  const text = search.trim()
  const params = { query: { search: text, limit: 8 } }
  const connections = useQuery({
    queryKey: ['connections', 'jump', text],
    queryFn: () => read(api.GET('/api/connections', { params })),
    enabled: text.length > 0,
  })
  const jobs = useQuery({
    queryKey: ['jobs', 'jump', text],
    queryFn: () => read(api.GET('/api/jobs', { params })),
    enabled: text.length > 0,
  })
  const go = (to: string) => () => void navigate(to)
  const pages = useNav().flat()
  const actions: SpotlightActionGroupData[] = [
    {
      group: 'Connections',
      actions: (connections.data?.items ?? []).map(({ id, name, host, protocol }) => ({
        id: `connection ${id}`,
        label: name,
        description: [protocolName(protocol), host].filter(Boolean).join(' · '),
        keywords: text,
        onClick: go(`/connections/${id}`),
      })),
    },
    {
      group: 'Jobs',
      actions: (jobs.data?.items ?? []).map(({ id, name, description }) => ({
        id: `job ${id}`,
        label: name,
        description: description ?? undefined,
        keywords: text,
        onClick: go(`/jobs/${id}`),
      })),
    },
    {
      group: 'Pages',
      actions: pages.map(({ to, label, key }) => ({ id: to, label, description: `g ${key}`, onClick: go(to) })),
    },
  ]
  // What is found after the last letter isn't chosen by itself, and Enter goes to the first all the same.
  const [connection, job] = [connections.data?.items[0], jobs.data?.items[0]]
  const first = connection ? `/connections/${connection.id}` : job && `/jobs/${job.id}`
  const enter = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !first || document.querySelector('[role="dialog"] [data-selected]')) return
    event.preventDefault()
    spotlight.close()
    void navigate(first)
  }
  return (
    <Spotlight
      actions={actions.filter((group) => group.actions.length > 0)}
      query={search}
      onQueryChange={setSearch}
      nothingFound="There is nothing of that name."
      shortcut={['mod + K']}
      searchProps={{
        leftSection: <Search size={16} />,
        placeholder: 'A page, a connection, a job',
        'aria-label': 'Go to',
        onKeyDown: enter,
      }}
      scrollable
      maxHeight={420}
    />
  )
}
