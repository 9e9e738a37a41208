import { type UseFormReturnType, useForm } from '@mantine/form'
import type { ProblemError } from '../api/problem'
import type { schemas } from '../api/types'
import { ownZone } from '../ui/schedule/ZoneSelect'
import { type MappingValues, valuesOf } from './values'

export type MappingForm = UseFormReturnType<MappingValues>

/** A form about a folder mapping, or about one to make. */
export function useMappingForm(mapping: schemas['FolderMapping'] | undefined): MappingForm {
  return useForm<MappingValues>({
    initialValues: valuesOf(mapping, ownZone),
    validate: {
      remote_path: (path) => (path.trim() ? null : 'Choose the folder, or type its path.'),
      move_to: (folder, { after_pull }) =>
        after_pull === 'move' && !folder.trim() ? 'Say which folder pulled files are moved to.' : null,
    },
  })
}

/** What the server says of fields stands at the fields; true where there was such. */
export function showErrors(form: MappingForm, error: ProblemError): boolean {
  const errors = error.formErrors()
  form.setErrors(errors)
  return Object.keys(errors).length > 0
}
