import type { schemas } from '../../api/types'
import { words } from '../../ui/format'
import { SettingInput } from '../../ui/SettingInput'
import type { Step } from '../draft'
import { ConnectionInput } from './ConnectionInput'
import { JsonValue } from './JsonValue'
import { MappingInput } from './MappingInput'
import { PathInput } from './PathInput'
import type { StepType } from './stepTypes'

export type SettingProps = {
  setting: schemas['StepTypeSetting']
  label: string
  value: unknown
  onChange: (value: unknown) => void
  error: string | undefined
  step: Step
  type: StepType
  /** The steps before this one, of which it can take outputs. */
  before: Step[]
  types: StepType[]
}

const labels: Record<string, string> = {
  connection_id: 'Connection',
  remote_path: 'Path on the server',
  local_path: 'Path on this machine',
  new_path: 'New path',
  move_to: 'Move to',
  after: 'Afterwards, the source',
  on_existing: 'Where the name is taken',
  min_files: 'Files at least',
  max_wait_sec: 'Wait at most, seconds',
  poll_interval_sec: 'Look again after, seconds',
}

/** What a setting is called. */
export const settingLabel = (name: string) => labels[name] ?? words(name)

/** The input for a step's setting: pickers where it names something of Courier's, else by its kind. */
export function StepSetting(props: Omit<SettingProps, 'label'>) {
  const { setting, value, onChange, error } = props
  const label = settingLabel(setting.name)
  if (setting.name === 'mapping_id') return <MappingInput {...props} label={label} />
  switch (setting.type) {
    case 'connection':
      return <ConnectionInput {...props} label={label} />
    case 'remote_path':
    case 'local_path':
    case 'text':
      return <PathInput {...props} label={label} />
    case 'json':
      return <JsonValue {...props} label={label} />
    default: {
      // A number or a choice, too, may be an output of an earlier step.
      const taken = typeof value === 'string' && value.startsWith('context:')
      const kind = taken ? 'text' : setting.type
      return (
        <SettingInput setting={{ ...setting, kind }} label={label} value={value} onChange={onChange} error={error} />
      )
    }
  }
}
