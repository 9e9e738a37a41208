import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearchParams } from 'react-router'
import { api, read } from '../api/client'
import { useMay } from '../auth/session'
import { Empty } from '../ui/Empty'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { ConnectionForm } from './form/ConnectionForm'
import { type Draft, draftOf, newDraft } from './form/draft'
import { type Protocol, useProtocols } from './protocols'

/** Connects a partner’s server; `?from=` starts with what another connection has, `?protocol=` with a protocol. */
export default function NewConnectionPage() {
  const may = useMay('operator')
  return (
    <Page
      title="New connection"
      up={{ to: '/connections', label: 'Connections' }}
      about="Where the partner’s server is, and how to log in there. Test it before you save it."
    >
      {may ? <Start /> : <Empty title="Only operators and admins set up connections">Ask one of them.</Empty>}
    </Page>
  )
}

function Start() {
  const [params] = useSearchParams()
  const from = params.get('from')
  const protocols = useProtocols()
  const original = useQuery({
    queryKey: ['connections', from],
    queryFn: () => read(api.GET('/api/connections/{id}', { params: { path: { id: from ?? '' } } })),
    enabled: from !== null,
  })
  const navigate = useNavigate()
  // Once there is a form, nothing that is read again takes it away with what is typed there.
  if (!protocols.data || (from && !original.data)) {
    const failed = [protocols, original].find(({ error }) => error)
    return failed?.error ? <Problem error={failed.error} retry={() => void failed.refetch()} /> : <Loading />
  }
  const first = original.data ? copyOf(original.data, protocols.data) : blank(protocols.data, params.get('protocol'))
  if (!first) return <Empty title="This server knows no protocol" />
  return (
    <ConnectionForm
      protocols={protocols.data}
      first={first}
      onSaved={(saved, tested) =>
        void navigate(`/connections/${saved.id}`, { replace: true, state: tested ? { test: true } : null })
      }
      onCancel={() => void navigate('/connections')}
    />
  )
}

function blank(protocols: Protocol[], wanted: string | null): Draft | undefined {
  const protocol = protocols.find(({ name }) => name === wanted) ?? protocols[0]
  return protocol && newDraft(protocol)
}

/** All but what makes it that one: its name, its secrets, and what is trusted. */
function copyOf(original: Parameters<typeof draftOf>[0], protocols: Protocol[]): Draft | undefined {
  const protocol = protocols.find(({ name }) => name === original.protocol)
  if (!protocol) return blank(protocols, null)
  const draft = draftOf(original, protocol)
  return {
    ...draft,
    values: { ...draft.values, name: `${original.name} (copy)`, stored_host_fingerprint: undefined },
  }
}
