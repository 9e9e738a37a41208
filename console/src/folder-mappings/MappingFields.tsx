import { Code, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core'
import type { schemas } from '../api/types'
import { Section } from '../ui/Section'
import { RemotePathInput } from './RemotePathInput'
import { StorageSelect } from './StorageSelect'
import { TimingFields } from './TimingFields'
import type { MappingForm } from './useMappingForm'
import { isRecursive } from './values'

type Props = { form: MappingForm; connection: schemas['Connection'] }

/** What has to be said of a folder mapping: which folder, which files, where to, and when. */
export function MappingFields({ form, connection }: Props) {
  return (
    <>
      <Section title="What is pulled">
        <Stack gap="sm">
          <RemotePathInput
            label="Folder on the server"
            description={
              connection.base_path ? (
                <>
                  Below the connection’s base path <Code>{connection.base_path}</Code>.
                </>
              ) : (
                'As the server names it. Without a leading slash it lies in the folder of the login.'
              )
            }
            withAsterisk
            connectionId={connection.id}
            pick="folder"
            {...form.getInputProps('remote_path')}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
            <TextInput
              label="Files"
              description={
                <>
                  A pattern: <Code>*.csv</Code>, <Code>{'*.{csv,xml}'}</Code>, or with folders{' '}
                  <Code>{'2026/**/*.csv'}</Code>.
                </>
              }
              autoComplete="off"
              spellCheck={false}
              {...form.getInputProps('pattern')}
            />
            <Switch
              mt={{ base: 0, sm: 26 }}
              label="Folders below, too"
              description="Files keep their folders at the destination."
              checked={isRecursive(form.values)}
              onChange={(event) => form.setFieldValue('recursive', event.currentTarget.checked)}
              error={form.errors.recursive}
            />
            <StorageSelect
              value={form.values.storage_id}
              onChange={(id) => form.setFieldValue('storage_id', id)}
              error={typeof form.errors.storage_id === 'string' ? form.errors.storage_id : undefined}
            />
            <TextInput
              label="Folder there"
              description="Stands before the files’ names at the destination."
              placeholder="none"
              autoComplete="off"
              spellCheck={false}
              {...form.getInputProps('prefix')}
            />
            <TextInput
              label="Name"
              description="How it is called here; the folder’s path, if left empty."
              placeholder={form.values.remote_path}
              autoComplete="off"
              {...form.getInputProps('name')}
            />
          </SimpleGrid>
        </Stack>
      </Section>
      <Section title="When">
        <TimingFields form={form} />
      </Section>
    </>
  )
}
