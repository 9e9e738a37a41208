import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { useLeaveGuard } from '../ui/useLeaveGuard'
import { CredentialFields, type Credentials } from './CredentialFields'
import { PlaceFields } from './PlaceFields'
import { nowhere, owner, type Place, placeOf, urlOf } from './place'
import { TestOutcome } from './TestOutcome'

type Props = {
  /** The one to change; none for a new one. */
  storage?: schemas['Storage']
  onSaved: (storage: schemas['Storage']) => void
}

/** Makes or changes a storage: its place by its kind, its credentials, and a test before it is saved. */
export function StorageForm({ storage, onSaved }: Props) {
  const [name, setName] = useState(storage?.name ?? '')
  const [place, setPlace] = useState<Place>(() => (storage?.url ? placeOf(storage.url) : nowhere))
  const [credentials, setCredentials] = useState<Credentials>({})
  const [replaces, setReplaces] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const first = storage?.url ? placeOf(storage.url) : nowhere
  const typed = Object.values(credentials).some((value) => value.trim() !== '')
  const moved = urlOf(place) !== urlOf(first)
  const changed = name !== (storage?.name ?? '') || moved || typed
  const release = useLeaveGuard(changed)

  // What it has stays with it as long as it is the same store.
  const kept = Boolean(storage?.has_credentials) && owner(place) === owner(first) && !replaces
  const needed = place.scheme !== 'file' && !place.environment
  const given = needed && !kept && typed ? filled(credentials) : undefined
  const body = { url: urlOf(place), ...(given && { credentials: given }) }

  const save = useAction({
    run: () =>
      storage
        ? read(
            api.PATCH('/api/storages/{id}', {
              params: { path: { id: storage.id } },
              body: { name: name.trim(), ...body },
            }),
          )
        : read(api.POST('/api/storages', { body: { name: name.trim(), ...body } })),
    changes: [['storages']],
    done: 'Saved',
    quiet: true,
    onDone: (saved) => {
      release()
      setCredentials({})
      setReplaces(false)
      onSaved(saved)
    },
  })
  // Credentials that are kept can't be sent: what is saved is tested then.
  const testsSaved = storage && kept && !moved
  const test = useAction({
    run: () =>
      testsSaved
        ? read(api.POST('/api/storages/{id}/test', { params: { path: { id: storage.id } } }))
        : read(api.POST('/api/storages/test', { body })),
    changes: [],
    quiet: true,
  })
  const failed = save.error ?? test.error
  const errors = { ...failed?.formErrors() }
  // Of what was left empty the server can only guess what it was to be.
  if (errors.url && !(place.scheme === 'file' ? place.folder : place.bucket).trim()) errors.url = 'This is required.'
  if (errors.credentials && !typed) errors.credentials = 'Type the credentials, or choose what the machine has.'
  const isElsewhere = failed?.fields.some(({ field }) => !/^(name|url|credentials(\..*)?)$/.test(field))

  useEffect(() => {
    if (failed) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [failed])

  const edited = () => {
    // While it is being saved it is not to be saved a second time.
    if (!save.isPending) save.reset()
    test.reset()
  }
  const change = (next: Partial<Place>) => {
    edited()
    setPlace({ ...place, ...next, scheme: next.scheme ?? place.scheme })
    if (next.scheme && next.scheme !== place.scheme) setCredentials({})
  }

  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        test.reset()
        save.mutate()
      }}
    >
      <Stack gap="md" maw={760}>
        <Section title="Place">
          <Stack gap="sm">
            <TextInput
              label="Name"
              description="Folder mappings that name no destination use the one that is called default."
              withAsterisk
              value={name}
              onChange={(event) => {
                edited()
                setName(event.currentTarget.value)
              }}
              error={errors.name}
              data-autofocus={!storage || undefined}
            />
            <PlaceFields place={place} onChange={change} error={errors.url} warns={!storage || moved} />
          </Stack>
        </Section>
        {place.scheme !== 'file' && (
          <Section title="Credentials">
            {storage?.has_credentials && owner(place) !== owner(first) && !place.environment && (
              <Text size="sm" mb="sm">
                The credentials that were saved are for another server or bucket. They are forgotten when you save; type
                the ones for this place.
              </Text>
            )}
            <CredentialFields
              place={place}
              onPlace={change}
              credentials={credentials}
              onChange={(next) => {
                edited()
                setCredentials(next)
              }}
              errors={errors}
              kept={kept}
              onReplace={() => {
                edited()
                setReplaces(true)
              }}
            />
          </Section>
        )}
        <div aria-live="polite">{test.data && <TestOutcome test={test.data} />}</div>
        {failed && (isElsewhere || failed.fields.length === 0) && <Problem error={failed} />}
        {storage && kept && moved && (
          <Text size="sm">
            To test the new place before you save it, replace the credentials: those that are saved can’t be read again.
          </Text>
        )}
        <Group gap="xs">
          <Button type="submit" loading={save.isPending} disabled={Boolean(storage) && !changed}>
            Save
          </Button>
          <Button
            variant="default"
            onClick={() => {
              save.reset()
              test.mutate()
            }}
            loading={test.isPending}
            disabled={Boolean(storage) && kept && moved}
          >
            Test
          </Button>
          <Text size="xs" c="dimmed">
            A test writes, reads and removes a small object.
          </Text>
        </Group>
      </Stack>
    </form>
  )
}

/** Those that something was typed for. */
const filled = (credentials: Credentials) =>
  Object.fromEntries(Object.entries(credentials).filter(([, value]) => value.trim() !== '')) as Record<string, never>
