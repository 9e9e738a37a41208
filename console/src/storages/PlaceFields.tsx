import { Alert, Code, Group, Radio, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import { type Place, type Scheme, schemeName, schemes, urlOf } from './place'

type Props = {
  place: Place
  onChange: (change: Partial<Place>) => void
  /** What is wrong with the address as a whole. */
  error: string | undefined
  /** Say what is insecure about it; of a saved one the page says it already. */
  warns: boolean
}

/** Where a storage is: what its kind needs, and nothing else. */
export function PlaceFields({ place, onChange, error, warns }: Props) {
  const isFolder = place.scheme === 'file'
  return (
    <Stack gap="sm">
      <Radio.Group
        label="Kind"
        value={place.scheme}
        onChange={(scheme) => onChange({ scheme: schemes.find((known) => known === scheme) })}
      >
        <Group gap="md" mt={6}>
          {schemes.map((scheme) => (
            <Radio key={scheme} value={scheme} label={schemeName(scheme)} />
          ))}
        </Group>
      </Radio.Group>
      {isFolder ? (
        <TextInput
          label="Folder"
          description="On the machine that Courier runs on, absolute. It is made when you save, if it can be."
          placeholder="/srv/archive"
          withAsterisk
          value={place.folder}
          onChange={(event) => onChange({ folder: event.currentTarget.value })}
          error={error}
          spellCheck={false}
        />
      ) : (
        <StoreFields place={place} onChange={onChange} error={error} />
      )}
      <Text size="xs" c="dimmed">
        Its address: <Code>{urlOf(place)}</Code>
      </Text>
      {warns && place.endpoint.trim().startsWith('http://') && (
        <Alert color="orange" icon={<TriangleAlert size={18} aria-hidden />} title="In the clear">
          Over http anybody on the way can read the files{place.scheme === 's3' ? '' : ', and what opens the store'}.
          Use https wherever the store has it.
        </Alert>
      )}
    </Stack>
  )
}

const buckets: Record<Scheme, string> = { file: 'Folder', s3: 'Bucket', azblob: 'Container', gcs: 'Bucket' }

function StoreFields({ place, onChange, error }: Omit<Props, 'warns'>) {
  const isS3 = place.scheme === 's3'
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={buckets[place.scheme]}
          description="It has to be there already."
          withAsterisk
          value={place.bucket}
          onChange={(event) => onChange({ bucket: event.currentTarget.value })}
          error={error}
          spellCheck={false}
        />
        <TextInput
          label="Prefix"
          description="Everything lies below it."
          placeholder="inbox"
          value={place.prefix}
          onChange={(event) => onChange({ prefix: event.currentTarget.value })}
          spellCheck={false}
        />
        {isS3 && (
          <TextInput
            label="Region"
            description="Required at Amazon."
            placeholder="eu-central-1"
            value={place.region}
            onChange={(event) => onChange({ region: event.currentTarget.value })}
            spellCheck={false}
          />
        )}
        <TextInput
          label="Endpoint"
          description={isS3 ? 'For stores other than Amazon’s.' : 'Only where it isn’t the provider’s own.'}
          placeholder="https://minio.example.com"
          value={place.endpoint}
          onChange={(event) => onChange({ endpoint: event.currentTarget.value })}
          spellCheck={false}
        />
      </SimpleGrid>
      {isS3 && place.endpoint.trim() && (
        <Switch
          label="The bucket is part of the host’s name"
          description="As bucket.minio.example.com; few stores other than Amazon’s want it."
          checked={place.virtualHosts}
          onChange={(event) => onChange({ virtualHosts: event.currentTarget.checked })}
        />
      )}
    </>
  )
}
