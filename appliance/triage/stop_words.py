"""Words that say nothing about the subject of a text, in English and German.

PostgreSQL leaves out articles and pronouns; these are the words around them in any request for
help. A ticket and an article that share only such words are about nothing in common.
"""

STOP_WORDS = frozenset(
    """
    about above after again against all almost already also although always and another any
    anybody anyone anything anyway are aren around ask asked away back because been before
    behind being below between both but came can cannot come comes could couldn day days dear
    did didn does doesn doing don done down during each either else ever every everybody
    everyone everything few for from gave get gets getting give given gives goes going gone
    good got had has hasn have haven having hello help her here hers hey him his how however
    isn its itself just keep keeps know knows last later least leave leaves left less let lets
    like little long look looks lot made make makes making many may maybe me mean might mine
    more morning most much must need needs never new next nobody none nor not nothing now off
    often okay once one only onto other others our out over own please put quite rather really
    regards said same saw say says see seem seems seen several shall she should shouldn since
    some somebody someone something sometimes soon still such sure take taken takes tell than
    thank thanks that the their them then there these they thing things think this those though
    through time today together told tomorrow too took tried tries try trying two under until
    upon use used uses using very via want wanted wants was wasn way week well went were weren
    what when where whether which while who whole whom whose why will with within without won
    would wouldn yes yesterday yet you your yours
    aber alle allem allen alles als also andere anderen auch auf aus bei beim bin bis bitte
    bist da dabei dadurch daher dahin damit danach dann daran darauf darin darum das dass davon
    dazu dein dem den denn der des deshalb dich die dies diese diesem diesen dieser dieses dir
    doch dort durch ein eine einem einen einer eines einige einmal ende erst etwas euch euer
    für ganz gar gegen geht gehen gemacht gerade gern gestern gibt gut guten hab habe haben
    hallo hat hatte hatten heute hier hilfe hin hinter ich ihm ihn ihr ihre immer ins irgendwie
    ist jede jeden jeder jedes jemand jetzt kann kein keine keinen keiner können könnte lassen
    lässt machen macht mal man mehr mein meine meinem meinen meiner mich mir mit möchte morgen
    muss müssen nach nachdem neu nicht nichts nie niemand noch nun nur oben oder ohne schon
    sehr sein seine seit selbst sich sie sind soll sollte sondern sonst soweit über und uns
    unser unter vielen viel vielleicht vom von vor während wann war waren warum was wegen weil
    weiter welche wenn wer werden wie wieder will wir wird wollen worden wurde wurden zum zur
    zwar zwischen
    """.split()  # noqa: SIM905
)
