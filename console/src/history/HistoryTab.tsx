import { Badge, Button, Group, Select, Stack, Text } from '@mantine/core'
import { History, RotateCcw } from 'lucide-react'
import { useState } from 'react'
import { useSearchParams } from 'react-router'
import { api, read } from '../api/client'
import { usePages } from '../api/pages'
import type { schemas } from '../api/types'
import { Only } from '../auth/session'
import { useMappingsOf } from '../folder-mappings/useMappingsOf'
import { Empty } from '../ui/Empty'
import { Exports } from '../ui/Exports'
import { useFilters } from '../ui/filters'
import { Loading } from '../ui/Loading'
import { More } from '../ui/More'
import { Period } from '../ui/Period'
import { Problem } from '../ui/Problem'
import { SearchInput } from '../ui/SearchInput'
import { Section } from '../ui/Section'
import { asked, searchWords } from './filter'
import { PulledFile } from './PulledFile'
import { PulledTable } from './PulledTable'
import { ReplayAll } from './ReplayAll'

/** Every file that was pulled from a connection: found again, looked at, pulled anew. */
export default function HistoryTab({ connection }: { connection: schemas['Connection'] }) {
  const { values, set, any } = useFilters('q', 'mapping', 'execution', 'since', 'until')
  const [params, setParams] = useSearchParams()
  const [replaying, setReplaying] = useState(false)
  const mappings = useMappingsOf(connection.id)
  const files = usePages(['folder-mappings', 'history', connection.id, values], (cursor) =>
    read(
      api.GET('/api/connections/{id}/history', {
        params: { path: { id: connection.id }, query: { ...asked(values), cursor } },
      }),
    ),
  )
  const clear = () => set({ q: null, mapping: null, execution: null, since: null, until: null })
  // A filter in the address that says nothing leaves all files: those are not pulled anew by one button.
  const narrows = Object.keys(asked(values)).length > 0
  const entry = params.get('entry')
  const close = () =>
    setParams((old) => {
      const next = new URLSearchParams(old)
      next.delete('entry')
      return next
    })

  return (
    <Stack gap="sm">
      <Group gap="xs" align="flex-start">
        <SearchInput
          label="Search"
          description={searchWords(values.q)}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          size="xs"
          flex={{ base: '1 1 100%', sm: '1 1 260px' }}
          value={values.q}
          onChange={(q) => set({ q })}
        />
        <Select
          label="Folder mapping"
          size="xs"
          w={190}
          placeholder="Any"
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'Any folder mapping' }}
          data={(mappings.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          value={values.mapping ?? null}
          onChange={(mapping) => set({ mapping })}
        />
        <Period since={values.since} until={values.until} onChange={set} />
      </Group>
      <Group gap="xs" justify="space-between">
        <Group gap="xs">
          {values.execution && <Badge variant="light">of one execution</Badge>}
          {any && (
            <Button variant="subtle" size="xs" onClick={clear}>
              Clear filters
            </Button>
          )}
        </Group>
        <Group gap="xs">
          <Only role="operator">
            {narrows && files.items.length > 0 && (
              <Button
                size="xs"
                variant="light"
                leftSection={<RotateCcw size={14} aria-hidden />}
                onClick={() => setReplaying(true)}
              >
                Pull all of these anew
              </Button>
            )}
          </Only>
          <Exports path={`/api/connections/${connection.id}/history/export`} query={asked(values)} />
        </Group>
      </Group>
      <Section flush>
        {files.isPending ? (
          <Loading />
        ) : files.error && files.items.length === 0 ? (
          <Problem error={files.error} retry={() => void files.refetch()} />
        ) : files.items.length > 0 ? (
          <>
            <PulledTable connection={connection} files={files.items} mappings={mappings.data} />
            <More pages={files} />
          </>
        ) : any ? (
          <Empty
            title="No file fits these filters"
            action={
              <Button variant="default" size="xs" onClick={clear}>
                Clear filters
              </Button>
            }
          />
        ) : (
          <Empty title="Nothing was pulled yet">
            Each file that a mapped folder gives is listed here for good: where it came from, where it is, and its
            SHA-256.
          </Empty>
        )}
      </Section>
      {files.items.length > 0 && (
        <Text size="xs" c="dimmed">
          <History size={12} aria-hidden /> The last that was pulled comes first. The history is kept for good.
        </Text>
      )}
      <PulledFile connection={connection} id={entry ?? undefined} mappings={mappings.data} onClose={close} />
      <ReplayAll connection={connection} query={asked(values)} opened={replaying} onClose={() => setReplaying(false)} />
    </Stack>
  )
}
