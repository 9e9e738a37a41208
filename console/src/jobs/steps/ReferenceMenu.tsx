import { ActionIcon, Menu, Text, Tooltip } from '@mantine/core'
import { Braces } from 'lucide-react'
import type { schemas } from '../../api/types'
import type { Step } from '../draft'
import { type StepType, stepTitle } from './stepTypes'

type Props = {
  setting: schemas['StepTypeSetting']
  /** True where the setting takes all files of an earlier step as a whole. */
  takesList: boolean
  before: Step[]
  types: StepType[]
  /** In place of all that is there. */
  onReplace: (text: string) => void
  /** Into what is there. */
  onInsert: (text: string) => void
}

const dates = [
  { text: '{{date:yyyyMMdd}}', label: 'Date of the run' },
  { text: '{{date-1d:yyyyMMdd}}', label: 'The day before' },
  { text: '{{date:HHmmss}}', label: 'Time of the run' },
  { text: '{{execution.id}}', label: 'ID of the execution' },
  { text: '{{job.name}}', label: 'Name of the job' },
]

/** Outputs that are many files; all others are one text or number. */
const isList = (output: string) => output.endsWith('files')
/** Where the files of an output lie: what was downloaded is on this machine, what is listed or sent is on the server. */
const isLocal = (output: string) => output.startsWith('downloaded')
/** What is an object and no text. */
const isShown = (output: string) => output !== 'transfer_state'

/** What can stand in a setting: outputs of earlier steps, dates, names. */
export function ReferenceMenu({ setting, takesList, before, types, onReplace, onInsert }: Props) {
  const steps = before.map((step, index) => {
    const outputs = types.find((type) => type.step_type === step.step_type)?.outputs ?? []
    const wanted = outputs.filter((output) =>
      isList(output) ? takesList && isLocal(output) === (setting.type === 'local_path') : isShown(output),
    )
    return { number: index + 1, title: step.name || stepTitle(step.step_type), outputs: wanted }
  })
  const useful = steps.filter(({ outputs }) => outputs.length > 0)
  return (
    <Menu position="bottom-end" withinPortal shadow="md">
      <Menu.Target>
        <Tooltip label="Put something in: an earlier step’s output, a date">
          <ActionIcon variant="subtle" color="gray" aria-label="Put an output or a date in">
            <Braces size={16} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflowY: 'auto' }}>
        {useful.map(({ number, title, outputs }) => (
          <div key={number}>
            <Menu.Label>
              Step {number}: {title}
            </Menu.Label>
            {outputs.map((output) =>
              isList(output) ? (
                <Entry
                  key={output}
                  label="All its files"
                  text={`context:${number}.${output}`}
                  onPick={() => onReplace(`context:${number}.${output}`)}
                />
              ) : (
                <Entry
                  key={output}
                  label={output}
                  text={`{{context:${number}.${output}}}`}
                  onPick={() => onInsert(`{{context:${number}.${output}}}`)}
                />
              ),
            )}
          </div>
        ))}
        <Menu.Label>Of the run</Menu.Label>
        {dates.map(({ text, label }) => (
          <Entry key={text} label={label} text={text} onPick={() => onInsert(text)} />
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

function Entry({ label, text, onPick }: { label: string; text: string; onPick: () => void }) {
  return (
    <Menu.Item onClick={onPick}>
      <Text size="sm">{label}</Text>
      <Text size="xs" c="dimmed" ff="monospace">
        {text}
      </Text>
    </Menu.Item>
  )
}
