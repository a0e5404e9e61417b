"""Strava's words in many languages: the columns of its table, and its names of sports."""

from __future__ import annotations

from collections.abc import Sequence

from stadion.ingest._dates import plain
from stadion.ingest._sports import sport_named, sub_sport_named

__all__ = ["columns_of", "sports_of"]

# Where each column stands since the table has over 80 of them, in whatever language.
_PLACES: dict[str, int] = {
    "id": 0, "date": 1, "title": 2, "sport": 3, "description": 4, "gear": 11, "file": 12,
    "elapsed": 15, "moving": 16, "distance": 17, "speed": 19, "climb": 20,
    "heart_rate": 31, "energy": 34, "exertion": 43,
}  # fmt: skip
# Columns that stand there twice, first for people and then in SI, under one name: this pattern
# tells the table in every language.
_TWICE = ((5, 15), (6, 17))
_FEWEST = 18

_NAMES: dict[str, str] = {
    "id": "activity id|aktivitats id|aktivitatsid|id de l activite|id de actividad|"
    "id de la actividad|id da atividade|id attivita|activiteits id|id activiteit|活动 id|活動 id|"
    "アクティビティ id|идентификатор тренировки",
    "date": "activity date|aktivitatsdatum|date de l activite|fecha de la actividad|"
    "fecha de actividad|data da atividade|data attivita|data dell attivita|"
    "datum van activiteit|活动日期|活動日期|アクティビティ日|дата тренировки",
    "title": "activity name|name der aktivitat|nom de l activite|nombre de la actividad|"
    "nome da atividade|nome attivita|nome dell attivita|naam van activiteit|naam activiteit|"
    "活动名称|活動名稱|アクティビティ名|название тренировки",
    "sport": "activity type|aktivitatsart|type d activite|tipo de actividad|tipo de atividade|"
    "tipo di attivita|tipo attivita|activiteitstype|活动类型|活動類型|アクティビティタイプ|"
    "тип тренировки",
    "description": "activity description|aktivitatsbeschreibung|description de l activite|"
    "descripcion de la actividad|descricao da atividade|descrizione attivita|"
    "descrizione dell attivita|beschrijving van activiteit|活动描述|活動說明",
    "gear": "activity gear|aktivitatsausrustung|equipement de l activite|"
    "equipamiento de la actividad|equipamento da atividade|attrezzatura attivita|"
    "uitrusting voor activiteit|materiaal voor activiteit|活动装备|活動裝備",
    "file": "filename|dateiname|nom du fichier|nombre del archivo|nombre de archivo|"
    "nome do arquivo|nome do ficheiro|nome file|nome del file|bestandsnaam|文件名|檔案名稱|"
    "ファイル名|имя файла",
    "elapsed": "elapsed time|verstrichene zeit|temps ecoule|tiempo transcurrido|"
    "tempo decorrido|tempo trascorso|verstreken tijd|全程耗时|總時間",
    "moving": "moving time|bewegungszeit|duree de deplacement|temps de deplacement|"
    "tiempo en movimiento|tempo de movimentacao|tempo in movimento|beweegtijd|移动时间|移動時間",
}


def columns_of(header: Sequence[str]) -> dict[str, int]:
    """Name of a column -> its place; empty when the header is not that of Strava's table.

    A table of another time has other columns: there they are found by their names, and only
    those whose unit is sure.

    Examples
    --------
    >>> columns_of(["Activity ID", "Activity Date", "Activity Name", "Filename"])
    {'id': 0, 'date': 1, 'title': 2, 'file': 3}
    """
    names = [_key(name) for name in header]
    if _is_known_by_place(names):
        return {name: place for name, place in _PLACES.items() if place < len(names)}
    found = {role: names.index(name) for name, role in _ROLES.items() if name in names}
    found = {role: found[role] for role in _PLACES if role in found}
    is_ours = len(found.keys() & {"id", "date", "title", "sport", "file"}) >= 4
    return found if is_ours else {}


def sports_of(word: str) -> tuple[str, str]:
    """FIT's words for the sport and its kind; the first is empty when it is unknown.

    Examples
    --------
    >>> sports_of("Trail Run"), sports_of("Virtuelle Radfahrt"), sports_of("骑行")
    (('running', 'trail'), ('cycling', 'virtual_activity'), ('cycling', ''))
    """
    key = _key(word)
    return _SPORTS.get(key) or (sport_named(word), sub_sport_named(word))


def _is_known_by_place(names: Sequence[str]) -> bool:
    return len(names) >= _FEWEST and all(
        names[one] == names[other] != "" for one, other in _TWICE
    ) and len({names[place] for place in (5, 6, 12, 16)}) == 4  # fmt: skip


def _key(name: str) -> str:
    """Words without accents, signs and doubled blanks."""
    letters = "".join(c if c.isalnum() else " " for c in plain(name))
    return " ".join(letters.split())


_ROLES = {name: role for role, names in _NAMES.items() for name in names.split("|")}

_WORDS: dict[tuple[str, str], str] = {
    ("running", ""): "run|lauf|laufen|course a pied|carrera|corrida|corsa|hardloopsessie|"
    "hardlopen|跑步|ランニング|ラン|бег|забег",
    ("running", "trail"): "trail run|traillauf|trail|course de trail|carrera de montana|"
    "corrida em trilha|corrida de trilha|trail running|trailloop|越野跑|トレイルラン",
    ("running", "virtual_activity"): "virtual run|virtueller lauf|course a pied virtuelle|"
    "carrera virtual|corrida virtual|corsa virtuale|virtuele hardloopsessie|虚拟跑步",
    ("cycling", ""): "ride|radfahrt|radfahren|sortie velo|velo|cyclisme|vuelta ciclista|"
    "ciclismo|bicicleta|pedalada|giro in bici|giro|uscita in bici|fietsrit|骑行|騎乘|ライド|"
    "велосипед|заезд",
    ("cycling", "mountain"): "mountain bike ride|mountain biking|mountainbike fahrt|vtt|"
    "sortie vtt|bicicleta de montana|mountain bike|pedalada de mountain bike|山地骑行|"
    "mountainbikerit",
    ("cycling", "gravel_cycling"): "gravel ride|gravel fahrt|sortie gravel|gravel|gravelrit|"
    "砾石路骑行|碎石路骑行",
    ("cycling", "virtual_activity"): "virtual ride|virtuelle radfahrt|virtuelles radfahren|"
    "sortie velo virtuelle|velo virtuel|ciclismo virtual|vuelta ciclista virtual|"
    "bicicleta virtual|pedalada virtual|giro virtuale|giro in bici virtuale|"
    "virtuele fietsrit|虚拟骑行|虛擬騎乘",
    ("e_biking", ""): "e bike ride|e bike fahrt|sortie velo electrique|velo electrique|"
    "bicicleta electrica|pedalada com e bike|giro in e bike|e bike rit|电动自行车骑行",
    ("swimming", ""): "swim|schwimmen|natation|natacion|natacao|nuoto|zwemmen|zwemsessie|"
    "游泳|スイム|плавание",
    ("walking", ""): "walk|spaziergang|gehen|marche|caminata|caminhada|camminata|wandeling|"
    "wandelen|步行|散步|ウォーク|ходьба|прогулка",
    ("hiking", ""): "hike|wanderung|wandern|randonnee|excursion|excursionismo|senderismo|"
    "trilha|escursione|escursionismo|hiken|hike|徒步|遠足|ハイク|поход",
    ("rowing", ""): "rowing|rudern|aviron|remo|canottaggio|roeien|划船|划艇|ローイング|гребля",
    ("rowing", "indoor_rowing"): "virtual row|virtual rowing|virtuelles rudern|remo virtual",
    ("training", "strength_training"): "weight training|krafttraining|musculation|"
    "entrainement aux poids|entrenamiento con pesas|entrenamiento de fuerza|"
    "treinamento com peso|treino de forca|musculacao|allenamento con i pesi|pesi|"
    "krachttraining|举重训练|力量训练|重量訓練",
    ("training", ""): "workout|training|entrainement|entrenamiento|treino|allenamento|"
    "健身|锻炼|訓練|ワークアウト|тренировка",
    ("training", "yoga"): "yoga|瑜伽|瑜珈|ヨガ|ioga|йога",
    ("fitness_equipment", "elliptical"): "elliptical|crosstrainer|velo elliptique|eliptica|"
    "eliptico|ellittica|ellittico|椭圆机",
    ("cross_country_skiing", ""): "nordic ski|langlauf|skilanglauf|ski de fond|esqui de fondo|"
    "esqui nordico|sci nordico|sci di fondo|langlaufen|越野滑雪",
    ("alpine_skiing", ""): "alpine ski|ski alpin|alpinski|esqui alpino|sci alpino|alpineskien|"
    "高山滑雪",
    ("alpine_skiing", "backcountry"): "backcountry ski|skitour|skitouren|ski de randonnee|"
    "esqui de travesia|scialpinismo|toerskien",
    ("snowboarding", ""): "snowboard|snowboarden|单板滑雪",
    ("kayaking", ""): "kayaking|kajakfahren|kayak|caiaque|kajakken|皮划艇",
    ("stand_up_paddleboarding", ""): "stand up paddling|stand up paddle|stand up paddleboarding|"
    "stehpaddeln|paddle|suppen|立式桨板",
    ("rock_climbing", ""): "rock climbing|rock climb|klettern|escalade|escalada|arrampicata|"
    "klimmen|攀岩",
    ("soccer", ""): "football soccer|football|fussball|futbol|futebol|calcio|voetbal|足球",
    ("tennis", ""): "tennis|tenis|网球|テニス|теннис",
    ("golf", ""): "golf|golfe|高尔夫",
    ("ice_skating", ""): "ice skate|eislaufen|patinage sur glace|schaatsen|滑冰",
    ("inline_skating", ""): "inline skate|inlineskaten|roller|skeeleren|轮滑",
    ("surfing", ""): "surfing|surfen|surf|冲浪",
    ("sailing", ""): "sail|sailing|segeln|voile|vela|zeilen",
    ("snowshoeing", ""): "snowshoe|schneeschuhwandern|raquettes|raquetas de nieve|ciaspole",
}
_SPORTS = {word: sports for sports, words in _WORDS.items() for word in words.split("|")}
