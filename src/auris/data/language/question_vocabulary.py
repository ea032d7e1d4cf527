"""The words that questions about sounds are made of, apart from the names of sounds.

A word that looks almost like one of these is taken for it; a word that is neither here nor a name is not understood.
"""

from __future__ import annotations

_WORDS = """
a an the this that these those my your our its his her their one ones other another others any some all both each every
either none no not and or nor but than as of from to at on in into by with without for during while until till since
before after between among against relative compared comparison compare versus vs respect regard regarding concerning
about around near nearby beside next close far away off out over under along across through within inside outside beyond
toward towards up down upon i me you we us they them he she it who whom whose which what when where why how whether if
there here now then ever is are was were be been being am do does did done can could will would shall should may might
must has have had having get gets getting got let make makes making made go goes going come comes coming came take takes
give say says tell know think find hear hears hearing heard listen listening sound sounds sounding sounded noise noises
audible source sources event events thing things something anything everything nothing someone somebody anyone anybody
people everyone object objects occurrence occurrences occur occurs occurring happen happens happening appear appears
appearing present exist exists existing emit emits emitting produce produces reach reaches reaching originate originates
originating located location position positioned placed place spot point direction directions side sides way angle
azimuth elevation bearing height distance distances degrees degree metres meters metre meter feet foot seconds second
time times moment instant duration length order number count many much often long short high low left right front behind
back rear above below beneath underneath overhead ahead forward forwards backward backwards upward upwards downward
downwards upper lower higher highest lowest leftmost rightmost top bottom ceiling floor ground head ears ear hand nearer
nearest closer closest farther farthest further furthest distant remote equally equal same similar different opposite
louder loudest quieter quietest softer softest loud quiet soft volume level longer longest shorter shortest last lasts
lasting first third fourth fifth final begin begins beginning begun start starts starting started stop stops stopping
stopped end ends ending ended finish finishes cease onset offset earlier earliest later latest sooner soon early late
followed following follows follow preceding precedes precede previous prior simultaneously simultaneous together overlap
overlaps overlapping once move moves moving moved motion movement still stationary static standing stand stands approach
approaches approaching recede recedes receding leaving passing passes pass travel travels travelling traveling stay
stays rest rests more most less least very quite rather slightly bit little again also too only else just exactly audio
recording clip file scene listener microphone silence silent kinds kind type types sort distinct points list name
identify describe enumerate locate separate separates separated separation apart gap meanwhile ago half quarter whole
total main dominant active playing play plays mark span interval meaning true false yes positions places lies lie lying
lay sit sits sitting stuck heading seem seems clearly round answer question twice thrice look looking looks face facing
faced greater larger bigger smaller fewer single several two three four five six couple pair loudness turn turns turning
itself themselves area whichever background foreground
"""
VOCABULARY: frozenset[str] = frozenset(_WORDS.split())
"""All of them, in lower case."""
