import { Button, FileButton, Group, PasswordInput, Radio, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { Upload } from 'lucide-react'
import { useState } from 'react'
import type { Place, Scheme } from './place'

export type Credentials = Record<string, string>

type Field = { name: string; label: string; help: string; secret: boolean; required: boolean }

const fields: Record<Scheme, Field[]> = {
  file: [],
  s3: [
    {
      name: 'access_key_id',
      label: 'Access key id',
      help: 'It begins with AKIA, or with ASIA for temporary keys.',
      secret: false,
      required: true,
    },
    {
      name: 'secret_access_key',
      label: 'Secret access key',
      help: 'What belongs to it.',
      secret: true,
      required: true,
    },
    {
      name: 'session_token',
      label: 'Session token',
      help: 'Only for temporary keys: what came with them.',
      secret: true,
      required: false,
    },
  ],
  azblob: [
    { name: 'account_name', label: 'Account name', help: 'The storage account.', secret: false, required: true },
    {
      name: 'account_key',
      label: 'Account key',
      help: 'One of its two keys. It opens everything.',
      secret: true,
      required: true,
    },
    {
      name: 'sas_token',
      label: 'Shared access signature',
      help: 'The part of its URL after the question mark, with the permissions read, create, write and delete (rcwd).',
      secret: true,
      required: true,
    },
  ],
  gcs: [
    {
      name: 'service_account',
      label: 'Service account key',
      help: 'The JSON file that Google Cloud gives for download.',
      secret: true,
      required: true,
    },
  ],
}

type Props = {
  place: Place
  onPlace: (change: Partial<Place>) => void
  credentials: Credentials
  onChange: (credentials: Credentials) => void
  errors: Record<string, unknown>
  /** The storage has some, which stay unless others are typed. */
  kept: boolean
  onReplace: () => void
}

/** What a storage is opened with. It is sent and never shown again. */
export function CredentialFields({ place, onPlace, credentials, onChange, errors, kept, onReplace }: Props) {
  if (place.scheme === 'file') return null
  return (
    <Stack gap="sm">
      <Radio.Group
        label="Opened with"
        value={place.environment ? 'environment' : 'credentials'}
        onChange={(value) => onPlace({ environment: value === 'environment' })}
        error={text(errors.credentials)}
      >
        <Stack gap={6} mt={6}>
          <Radio value="credentials" label="Credentials of its own" description="Sealed, and for this place alone." />
          <Radio
            value="environment"
            label="What the machine has"
            description="Environment variables, profiles, or the identity of the machine or pod that Courier runs on."
          />
        </Stack>
      </Radio.Group>
      {place.environment ? null : kept ? (
        <Group gap="sm">
          <Text size="sm">Credentials are set, and stay as they are.</Text>
          <Button variant="default" size="xs" onClick={onReplace}>
            Replace credentials
          </Button>
        </Group>
      ) : (
        <Fields scheme={place.scheme} credentials={credentials} onChange={onChange} errors={errors} />
      )}
    </Stack>
  )
}

type FieldsProps = Pick<Props, 'credentials' | 'onChange' | 'errors'> & { scheme: Scheme }

function Fields({ scheme, credentials, onChange, errors }: FieldsProps) {
  // Of an Azure account's key and a signature there is one.
  const [way, setWay] = useState('sas_token')
  const other = way === 'sas_token' ? 'account_key' : 'sas_token'
  const shown = fields[scheme].filter(({ name }) => scheme !== 'azblob' || name !== other)
  return (
    <>
      {scheme === 'azblob' && (
        <Radio.Group
          label="Kind of credentials"
          value={way}
          onChange={(next) => {
            setWay(next)
            onChange({ account_name: credentials.account_name ?? '' })
          }}
        >
          <Group gap="md" mt={6}>
            <Radio value="sas_token" label="Shared access signature (better)" />
            <Radio value="account_key" label="Key of the account" />
          </Group>
        </Radio.Group>
      )}
      {shown.map((field) => (
        <Credential
          key={field.name}
          field={field}
          value={credentials[field.name] ?? ''}
          onChange={(value) => onChange({ ...credentials, [field.name]: value })}
          error={text(errors[`credentials.${field.name}`])}
        />
      ))}
    </>
  )
}

const text = (error: unknown) => (typeof error === 'string' ? error : undefined)

type CredentialProps = { field: Field; value: string; onChange: (value: string) => void; error: string | undefined }

function Credential({ field, value, onChange, error }: CredentialProps) {
  const shared = {
    label: field.label,
    description: field.help,
    withAsterisk: field.required,
    value,
    error,
    spellCheck: false,
  }
  if (field.name === 'service_account') {
    return (
      <Stack gap={6}>
        <Textarea
          {...shared}
          onChange={(event) => onChange(event.currentTarget.value)}
          autosize
          minRows={3}
          maxRows={6}
          autoComplete="off"
          placeholder="{ &quot;type&quot;: &quot;service_account&quot;, … }"
        />
        <FileButton accept="application/json,.json" onChange={(file) => void file?.text().then(onChange)}>
          {(props) => (
            <Group>
              <Button {...props} variant="default" size="xs" leftSection={<Upload size={14} aria-hidden />}>
                Read it from a file
              </Button>
            </Group>
          )}
        </FileButton>
      </Stack>
    )
  }
  const change = (event: React.ChangeEvent<HTMLInputElement>) => onChange(event.currentTarget.value)
  return field.secret ? (
    <PasswordInput {...shared} onChange={change} autoComplete="new-password" />
  ) : (
    <TextInput {...shared} onChange={change} autoComplete="off" />
  )
}
